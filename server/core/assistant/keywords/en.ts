import type { Keywords, RedFlags } from '../topics.ts';

/** English. Written from what the application has and what people call it. */
export const keywords: Keywords = {
  ct: { 4: 'ct cts cat_scan computed+tomograph* tomograph*', 1: 'difference' },
  mri: { 4: 'mri mris mr_scan magnetic*' },
  xray: { 4: 'xray xrays x-ray x-rays radiograph*' },
  ultrasound: { 4: 'ultrasound* sonograph* sonogram* mammogra* echocardiogra* pet_scan biops*' },
  radiation: { 4: 'radiation* radiat*', 2: 'dangerous harmful safe risk risks dose' },
  preparation: {
    4: 'pacemaker* claustrophob* fasting pregnan* contrast_agent contrast_medium injection* implant* dye jewel*',
    2: 'fast contrast inject* metal* ring breastfeed* allerg* prepar* eat drink wear hurt hurts painful',
  },
  pneumonia: { 4: 'pneumonia* antibiotic* consolidation* infiltrat* lung_infection', 2: 'lung lungs cough fever' },
  conditions: {
    4: 'bone bones broken_bone broken_bones tuberculosis tb covid* fracture* effusion* nodule* cancer* tumor* tumour* pneumothorax cardiomegaly asthma bronchitis copd edema oedema embolism atelectasis emphysema hernia scoliosis arthritis diabetes',
    2: 'disease* illness* symptom* cure* cured treat treatment* medicine heart kidney liver brain pain fever',
  },
  secondFactor: {
    4: '2fa mfa two-factor two_step two_steps 2_step second_factor multi-factor multifactor authenticator* passkey* security_key security_keys recovery_code recovery_codes totp fingerprint* yubikey*',
    2: 'factor factors',
  },
  users: {
    4: 'invite* inviting role roles user users staff_account permissions access_rights new+doctor registrations disable+account deactivat* staff_member*',
    2: 'add manage* nurse disable* colleague* staff',
  },
  audit: {
    4: 'audit* access_log privacy who+looked who+accessed who+opened',
    2: 'trail log logs privacy',
  },
  deliveries: { 4: 'deliver* outbox smtp relay mail_queue', 2: 'bounced mails whatsapp sms' },
  models: {
    4: 'new_model activate+model model+service install+model model_version model_card drift shadow',
    2: 'rollback service',
  },
  system: {
    4: 'system_health health_check backup* back_up signing_key* client_system* api fhir dicomweb clients logo site_name name+site set-up setup configur* certificate* database server* webhook*',
    2: 'system client rotate* health settings install*',
  },
  password: { 4: 'password* passphrase* passwrd pwd passcode', 2: 'forgot* reset*' },
  code: {
    4: 'otp code codes one_time_code verification_code verification_mail verification_email verification_link',
    2: 'verification resend expired digits sms',
  },
  register: {
    4: 'register* registration sign_up signup enroll* enrol* create+account new_account make+account open+account invitation*',
    2: 'join account+create',
  },
  signIn: {
    4: 'login logins log_in logging_in log_on logon log_out logout log_me_out log+out sign_in signin signed_in signing_in sign_out signout signed_out signing_out session* locked remember_me logged account',
    2: 'access device devices e-mail_address email_address change+email profile username',
  },
  confidence: {
    4: 'confiden* uncertain* probab* threshold* percentage sure+prediction sure+ai sure+it certainty likelihood score',
    2: 'sure percent',
  },
  aiFailure: {
    4: 'unsupported analysis+fail* analysis+failed not_analy* ai+failed not+analysed not+analyzed unable+analyse',
    2: 'analys* analyz*',
  },
  ai: {
    4: 'ai ai-based artificial* algorithm* predict* machine_learning deep_learning neural* trained model models computer heat_map heatmap heat_maps false_positive* false_negative* classifier chatgpt robot* bias grad-cam trained training train',
    2: 'accura* trust detect* wrong+computer replace* automatic* disagree* suggestion+ai explain',
  },
  emergencyAccess: {
    4: 'emergency_access break_glass break_the_glass emergency+record emergency+access',
    2: 'restricted',
  },
  prescribe: { 4: 'prescri* rx pharmac* medication* dosage* template* drug*', 2: 'dose tablet tablets' },
  approve: { 4: 'approv* releas* send_back sent_back send+back send_it_back', 2: 'final admin administrator' },
  verify: {
    4: 'verif* amend* claim* worklist work_list clinical_notes reject* reassign* addendum',
    2: 'case cases review reviews reading doctor_notes urgent priorit* stat my_list conclude',
  },
  waiting: {
    4: 'pending waiting queue* how+soon still_waiting progress stuck delay* status awaiting in_progress when+ready',
    2: 'how_long wait days until when',
  },
  steps: {
    4: 'step steps process workflow* what_happens happens_next happens_after next stage stages who_looks procedure',
    2: 'after what_comes comes_after first then order doctor+look* finally',
  },
  shareReport: {
    4: 'share* sharing forward* another_doctor second_opinion send+report send+result* family_doctor own_doctor other+doctor',
    2: 'link links',
  },
  abnormal: { 4: 'abnormal* normal finding findings impression diagnosis conclusion', 2: 'mean meaning means' },
  report: {
    4: 'report reports result results pdf',
    2: 'download* print* read understand kept get',
  },
  viewer: {
    4: 'zoom* viewer brightness measure* window_level windowing invert* rotate+image scroll+images pan full_screen',
    2: 'distance contrast+picture contrast+image slice slices tool tools',
  },
  formats: {
    4: 'format formats jpg jpeg png dicom dcm zip bmp tiff gif file_type file_types file_size file_sizes mb gb megabyte* gigabyte* file_formats maximum_size size',
    2: 'file files big large largest maximum limit limits types folder folders',
  },
  upload: {
    4: 'upload* drag drag-and-drop photo+phone camera attach* delete+image* submit+scan send+scan send+image*',
    2: 'file files folder photo film send scan delete remove mistake',
  },
  images: {
    4: 'my_scans my_scan history images image pictures studies study previous scans cd dvd archive*',
    2: 'scan picture old earlier where',
  },
  problem: {
    4: 'report_a bug bugs broken crash* error errors problem problems slow blank freez* frozen not_working doesnt_work does_not_work not+load not+loading doesnt+load do_not_work dont_work notification*',
    2: 'page screen app site website button fail* failed issue issues nothing reload',
  },
  feedback: { 4: 'feedback complain* suggestion* improve* praise rate_us idea ideas', 2: 'suggest opinion' },
  keys: { 4: 'keyboard* shortcut* hotkey* dark_mode language theme', 2: 'keys' },
  contact: {
    4: 'contact* help_desk helpdesk hotline support phone_number telephone call_you reach_you human opening_hours office_hours talk_to speak_to who_can_help located need_help address+hospital whatsapp_number reception',
    2: 'help phone email number hours open call address location visit',
  },
  greeting: {
    1: 'hi hii hiii hello hey good_morning good_evening good_afternoon good_day good_night greetings who_are_you how_are_you whats_up what_are_you your_name what_can_you_do vanakkam namaste namaskar salaam',
  },
  thanks: { 1: 'thanks thank thx ty bye goodbye see_you cheers take_care welcome ok okay' },
};

const cannot =
  'cant|cannot|not|unable|hardly|barely|no|trouble|difficult*|struggl*|hard|short|gasping|stopped|problem*|less';

export const redFlags: RedFlags = {
  emergency: `
    chest + pain|pains|ache|aches|tight|tightness|pressure|heaviness|heavy|burning|hurts|hurting|crushing|squeezing
    breath|breathe|breathing|air + ${cannot}
    breathless* | suffocat* | choking
    blood + cough*|vomit*|spit*|throwing|puking|stool
    bleed* + heav*|lot|much|severe*|stop|profuse*|badly
    faint|fainted|fainting | unconscious* | collapsed | unresponsive
    passed + out
    not + responding|respond|wake|waking
    heart + attack
    heartattack | stroke | paralysed | paralyzed | paralysis | anaphyla* | ambulance | overdose*
    cardiac + arrest
    face|mouth + droop*|numb|crooked
    slurred | slurring
    sudden|suddenly + weak*|numb*|headache|blind*|vision
    worst + headache
    seizure* | convuls*
    fit|fits + has|having|had|shaking
    lips + blue
    swell*|swollen + throat|tongue|face
    many + tablet*|pill*|sleeping
    swallowed | poison*
  `,
  crisis: `
    suicid*
    kill|hurt|harm + myself
    end + my + life
    want + die
    dont|not + want + live
    better + dead
  `,
};
