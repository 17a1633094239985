import type { Keywords } from '../topics.ts';

const lost =
  'lost|lose|gone|stolen|broke|broken|new_phone|changed_phone|changed_my_phone|deleted|uninstalled|reset|missing|wiped|without|replaced';
const factor = 'authenticator*|2fa|mfa|otp_app|totp|two-factor|second_factor|passkey*|security_key*|yubikey*';
const signIn =
  'login|log_in|logging_in|sign_in|signing_in|signin|get_in|get_into|getting_in|locked_out|access_my_account|enter';
const picture =
  'image|images|picture|pictures|scan|scans|photo|photos|file|files|xray|xrays|x-ray|x-rays|mri|ct|film|films|cd|dvd|folder|folders|study|studies|slice|slices|upload|disc|disk';
const model =
  'ai|ai-based|artificial*|algorithm*|model|models|neural*|machine_learning|deep_learning|classifier|chatgpt|robot*|bot';
const broken =
  'not|dont|doesnt|cant|cannot|wont|never|isnt|nothing|fail*|failed|broken|down|slow|slowly|stuck|blank|white|black|freez*|frozen|crash*|hang|hangs|hanging|lag*|error*|unresponsive|keeps|loading|disappear*|vanish*|spinning|wrong|weird|empty';
const somebody =
  'doctor|doctors|gp|specialist|surgeon|cardiologist|oncologist|physio*|wife|husband|mother|father|mom|dad|son|daughter|sister|brother|family|friend|relative*|insurer|another|other|others|someone|somebody|anyone|employer|lawyer|clinic|hospital';
const report = 'report|reports|result|results|pdf|findings';

/** English. Written from what the application has and what people call it. */
export const keywords: Keywords = {
  ct: { 3: 'ct|cts|cat_scan|ctscan|tomograph*|hrct|cect|ncct|cta|angiogra*', 1: 'difference' },
  mri: {
    4: 'mri|ct|x-ray|xray|ultrasound+take|takes|last|lasts!report|result|results|upload|photo',
    3: 'mri|mris|mr_scan|magnetic*|mrcp|mra|fmri|magnet|tesla',
    2: 'loud noise noisy tube',
  },
  xray: { 3: 'xray|xrays|x-ray|x-rays|radiograph*|roentgen|rontgen' },
  ultrasound: {
    3: `ultrasound*|sonograph*|sonogram*|usg|doppler|mammogra*|echocardiogra*|pet_scan|pet-ct|biops*|dexa|bone_density
      endoscop*|colonoscop*|fluoroscop*|ecg|ekg|eeg|barium|nuclear_medicine|scintigra*|dental_scan`,
  },
  radiation: {
    4: 'radiation*|radiat*|msv|millisievert*|sievert*|ionizing|ionising',
    2: 'dangerous harmful|harm|harms safe|safely|safety|unsafe risk|risks|risky dose|doses exposure side_effect*|bad_for',
  },
  preparation: {
    1: 'fast food|meal|breakfast|water',
    4: `during|before+scan|exam|examination|procedure|test pacemaker*|defibrillator*|stent* claustrophob*|closed_spaces|narrow_spaces fasting|empty_stomach|stop_eating|full_bladder
      pregnan* contrast_agent*|contrast_medium|contrast_media|contrast_dye|contrast_liquid|dye|iodine|gadolinium injection*
      implant* jewel*|earring*|necklace*|piercing*|bra|hairpin*|bangles|dentures|hearing_aid*|zipper*|belt
      metal*|screws|steel|titanium tattoo* sedat*|anesth*|anaesth* hold+breath breastfeed*|breast_feed*|nursing metformin|insulin
      undress*|gown lie_still|keep_still|hold_still`,
    2: `after+scan|exam|procedure feel fast|fasted contrast inject*|needle|cannula ring|rings|watch allerg* prepar*|preparation eat|eating
      drink|drinking wear|wearing|clothes|clothing|dress|take_off hurt|hurts|painful|pain|uncomfortable before+exam*|before+scan
      kidney|kidneys`,
  },
  pneumonia: {
    3: 'pneumonia*|pneumonitis consolidation*|infiltrat*|opacit* lung_infection|chest_infection antibiotic*',
    2: 'lung|lungs cough*|fever|phlegm',
  },
  conditions: {
    4: 'bone|bones broken+bone|bones|arm|leg|rib|ribs|wrist|hand|ankle|hip|finger|toe|nose|collarbone',
    3: `fracture*|dislocat*|sprain* tuberculosis|tb covid*|coronavirus
      effusion*|pleural nodule*|cyst|cysts|lesion*|mass|masses|lump|lumps|polyp* cancer*|tumor*|tumour*|metasta*|carcinoma*|leukemia|lymphoma
      pneumothorax|collapsed_lung cardiomegaly|enlarged_heart|aneurysm*|heart_failure|heart_attack asthma|bronchitis|copd|emphysema|fibrosis
      edema|oedema|embolism|clot|clots|thrombosis atelectasis hernia*|slipped_disc|disc_bulge|herniat*|sciatica scoliosis|spondyl*
      arthritis|osteopor*|osteoarth*|gout diabetes|diabetic|hypertension|cholesterol|thyroid gallstone*|gallbladder|kidney_stone*|stones
      appendicitis|ulcer*|hepatitis|cirrhosis|fatty_liver|jaundice|pancreatitis stroke|strokes|migraine*|dementia|epilepsy|seizures
      ligament*|meniscus|tendon*|cartilage|torn|acl fluid|water+lung|lungs sinusitis|sinus|anemia|anaemia|dengue|malaria|typhoid|flu`,
    2: `disease*|illness*|disorder*|sickness|infection*|condition symptom*|signs_of cure*|cured|curable|heal|heals treat|treatment*|therapy|surgery|operation
      medicine|medicines heart|kidney|kidneys|liver|brain|knee|shoulder|spine|ankle|hip|stomach|abdomen|abdominal|skull|ribs|rib|wrist|elbow|neck|breast|uterus|prostate|bladder|thyroid
      pain|ache|fever|swelling|headache* contagious|spread|spreads|infectious|fatal|deadly|life-threatening`,
  },
  secondFactor: {
    6: 'enable|activate|set_up|setup|turn_on|turn_off|switch_on|configure|enforce|mandatory|require|add|register|disable+2fa|mfa|two-factor|two-step|2-step|second_factor|authenticator*|passkey*|security_key*|totp|two_step|multi-factor backup_code*|recovery_code*|recovery_key*|emergency_codes',
    4: `2fa|mfa|two-factor|two_steps|two_step|2_step|2-factor|second_factor|second_step|multi-factor|multifactor|dual_factor|double_authentication
      authenticator*|totp|authy|passkey*|security_key*|yubikey*|hardware_key|authentication_app qr+app`,
    2: 'factor|factors fingerprint|fingerprints|face_id|touch_id|biometric* qr|barcode authentication authenticate',
  },
  users: {
    6: `approve|accept|reject|confirm+registration approve|accept|confirm|reject|pending|new|list+registrations user_management|manage_users|user_list|list_of_users
      assign|change|give|grant|make|set|remove|switch|promote|add|edit+role|roles|permission|permissions|rights|privileges`,
    4: `invite|invites|invited|inviting role|roles user|users staff_account*|staff_member* permission|permissions|access_rights|privileges registrations
      deactivat*|reactivat*|suspend*|offboard*|onboard*|left_the_hospital|left_us|resigned|quit|retired
      new|add|adding|create|register|enroll|hire|hired|joined|joins|remove|delete|block|disable|unlock|reset+nurse*|colleague*|employee*|staff|user|users|technician*|clinician*|radiologist*
      new|add|adding|invite|create|make|disable|remove|block|delete|someone|account_for|account_of+doctor|pharmacist|admin|administrator|physician
      disable|revoke|block|close|unlock+account|accounts|access+nurse|doctor|pharmacist|staff|user|colleague|employee|somebody|someone`,
    2: 'add manage* disable* nurse|nurses|colleague*|staff|employee*|coworker*',
  },
  audit: {
    4: `logins|sign-ins|login_history|failed_logins audit*|auditing access_log*|activity_log*|event_log*|access_history|log_file*|logs privacy|gdpr|dpdp|data_protection
      who|whoever|anybody|anyone|somebody|someone+looked|accessed|opened|viewed|saw|has_seen|have_seen|peeked|snooped|touched|modified|changed|deleted|edited
      which_user+opened|looked|viewed|saw|changed`,
    2: 'trail log!in|out|me|on|off|back|into tracked|traceable|trace|tamper* export',
  },
  deliveries: {
    4: `deliver*|undeliver* outbox smtp|mail_relay|relay|mail_server|mail_queue|email_queue bounc*
      mail|mails|email|emails|e-mail|e-mails|message|messages|sms|notification|letters+failed|failing|failures|queue|retry|retried|outgoing|resend|undelivered|not_sent|sent_again|unsent|send_again!code|password|verification|otp`,
    2: 'mails|emails whatsapp|sms|text_message resend|retry|again failed',
  },
  models: {
    6: `activat*|deactivat*|switch|install|deploy|publish|roll_out|rollout|upgrade|upgrading|retire|withdraw|put|swap|enable|disable|load|import|upload|register+model|models
      new_model|newer_model|new_ai_model|active_model|active_ai_model|model_version*|version_of_the_model|model_registry|model_card*|model_page|model_management|model+service
      version|newer|newest|latest|old_version|previous_version|rollback|roll_back+model|models|ai|algorithm`,
    4: 'drift shadow_mode|shadow champion|rollback|roll_back evaluation+model',
    2: 'service version',
  },
  templates: {
    6: `edit|editing|create|creating|new|add|change|manage|delete|make|making|customi*|modify|write|update|remove|rename|maintain|define|save|where+template*
      medication_table|medicine_table|drug_table|interaction_table|interaction_list|dose_limits|formulary`,
    4: 'template*|boilerplate|letterhead|text_block*',
    2: 'header|footer|wording',
  },
  health: {
    6: `system|server|service|platform|installation|database|app+health|healthy|status|running|uptime|down|ok|okay|alive|monitor*!my_scan|my_report|model|page
      health_check*|health_page|system_page|system_status|status_page`,
    4: `maintenance|updates|software_version|version_of_the_software|heartbeat uptime|downtime|outage*|monitoring disk|disk_space|storage_space|disc_space|free_space|memory_usage|cpu|worker|workers|background_job*|job_queue|jobs|process_list
      metrics|prometheus|grafana backup*|back_up|back_ups database|postgres* is+running server|servers restart*`,
    2: 'health|healthy system space|storage',
  },
  system: {
    6: `register|new|add|connect|create|registering|secret|approve|revoke|list|manage|credentials|launch|rotate+client|clients|client_app|client_apps|smart_app*|ehr|emr|his_system|api
      client_secret*|client_id|client_app*|client_system*|signing_key*|site_name|hospital_name|name_of_the_site|name_of_the_hospital|site_logo|hospital_logo|initial_setup|first_setup`,
    4: `sso|saml|openid|configuration|general_settings|site_settings|smtp_settings|email_settings|welcome_text api|apis|fhir|dicomweb|hl7|pacs|ehr|emr|oauth|webhook*|endpoint* clients|connected_systems|connected_apps|third-party|interface|integrat*
      logo|branding|name+site set-up setup configur*|configuration certificate*|tls|ssl license|licence|licensing timezone|time_zone retention`,
    2: 'system|systems client rotate* settings|setting install* connect* admin_panel|admin_page|administration',
  },
  password: {
    6: 'reset_link|reset_email|reset_mail',
    4: 'reset_link|reset_email|reset_mail password|passwords|passphrase|passwrd|passwd|pwd|passcode|pass_word|pw|pasword',
    2: 'forgot|forgotten|forget|forgetting|dont_remember|cant_remember|reset* strong+password change+password new+password wrong|incorrect|invalid+password',
  },
  code: {
    4: `otp|otps|code|codes|one-time|pin|passcodes|digits verification_code*|verification_mail|verification_email|verification_link|confirmation_email|confirmation_mail|confirmation_link|activation_email|activation_mail|activation_link|login_code|email_code`,
    2: 'verification resend|resent|send_again|another_one expired|expires|expire|invalid sms|text_message spam|junk never|didnt|not+come|arrive|arrived|get|got|received|receive|came',
  },
  register: {
    4: `register|registered|registering|registration|sign_up|signup|signed_up|signing_up|enroll*|enrol*|onboarding
      create|creating|make|making|open|opening|get|set_up|need|want|new|start+account|accounts|profile|login!disable|settings|locked
      invitation*|become_a_member|already_registered`,
    2: 'join|joining new_patient|new_here|first_time',
  },
  lostFactor: {
    6: `${lost}+${factor}+${signIn}|account
      ${factor}+${signIn}+lost|gone|cant|cannot|instead|no_longer|stolen`,
  },
  signIn: {
    6: 'cant|cannot|couldnt|unable|wont_let_me|not_able|not|instead|without+log_in|login|sign_in|signin|logon|get_in|get_into_my|logging_in|signing_in',
    4: `not_letting_me|wont_let_me_in|wont_accept|invalid_credentials|forgot+username|user close|delete|remove|cancel+my_account|account switch+account|accounts login|logins|log_in|logging_in|log_on|logon|sign_in|signin|signed_in|signing_in|logged|log_back|sign_back|sso|single_sign-on
      log_out|logout|log_me_out|sign_out|signout|signed_out|signing_out|log_off|logoff|logged_out|kicked_out|kicks_me|signs_me_out|throws_me_out log|sign|signed|logged|kicked|throws+out
      session*|timeout|timed_out|stay_signed|keep_me|remember_me account|accounts|profile username|user_name|user_id|credentials
      locked|unlock|blocked|lockout|suspended+account|me|my|out cant_get_in|cannot_get_in|let_me_in
      change|update|wrong|new|edit+email|e-mail|phone_number|mobile_number|my_name|my_address|date_of_birth|my_details`,
    2: 'access device|devices|computer|laptop|tablet e-mail_address|email_address|email|mail attempts|tries|tried too_many my_data|my_details|personal_details password',
  },
  confidence: {
    6: 'percentage|percent|score|number+finding|result|prediction|answer|ai',
    4: `confiden*|certainty|likelihood|probab*|percentage uncertain*|unsure|inconclusive|borderline threshold*|cut-off|cutoff
      how_sure|how_certain|sure|certain+ai|model|prediction|computer|algorithm|it_is score|scores`,
    2: 'percent|per_cent sure|certain low|high|lower|higher',
  },
  aiFailure: {
    4: `unsupported|not_supported
      ${model}|analysis|prediction|inference+fail*|failed|error*|stuck|didnt|unsupported|skip*|not_run|crash*|not_work*|unavailable|retry|again|rerun|re-run|no_result|no_answer|wont|not_look*|not_analy*|empty|nothing|missing|missed|not_start*|never|refus*|ignored|offline|timeout|timed_out|down|took_too_long|without
      not|unable|cannot|cant|wasnt|isnt|never+analyse|analysed|analyze|analyzed|analysis analysis+fail*|failed|stuck|error`,
    2: 'analys*|analyz*|processed',
  },
  ai: {
    1: 'colour*|colors train',
    4: `${model} trained|training heat_map*|heatmap*|grad-cam|saliency|highlighted|overlay false_positive*|false_negative*|false_alarm* predict*|prediction* bias|biased machine+decide*|decid*|read*|diagnos*|wrong|mistake*`,
    3: 'computer|computers accura*|precise|precision|sensitivity|specificity|auc',
    2: `opt_out+ai|algorithm|model automatic_reading tested|validated|certified|approved+ai|algorithm|model trust|trustworthy|rely|reliab* detect*|spot|spots|recogni*|find|finds|miss|misses|missed wrong|mistake|mistakes|error_rate|incorrect+${model}|machine replace*|instead_of+doctor*|radiologist*|human
      automatic*|automated disagree*|overrule*|override|last_word|final_say suggestion*|suggest*+${model} machine|software decide|decides|decision learn*|data+${model} dataset*`,
  },
  emergencyAccess: {
    6: `emergency_access|break_glass|break-the-glass|breakglass|break_the_glass|glass_break|emergency_override
      emergency|urgent|urgently|unconscious|life|theatre|er|icu+record|records|chart|file|history|access|unlock|permission!scan|case|cases`,
    2: 'restricted|locked_record|record_is_locked|not_my_patient|no_access|no_permission override',
  },
  prescribe: {
    4: 'prescri*|prescription*|rx pharmac*|chemist medication*|dosage*|drug|drugs|meds',
    2: 'dose|doses|tablet|tablets|pill|pills|medicine|medicines|interaction* template* use|insert|choose|pick+template*',
  },
  approve: {
    6: 'who|which_person|anybody|someone|when+approv*|releas*|signs_off|publish*',
    4: 'approv*|signed_off|sign_off|sign-off releas*|publish* send|sent|sends|returned+back returned_to|return_to final_check',
    2: 'final admin|admins|administrator|administrators',
  },
  verify: {
    4: `enter|write|add|put|save|type+note|notes|comment|comments|observations put_on_hold|on_hold|mark_as|flag_as next_patient|next_case|open_cases|assigned_to_me assigned verify|verifies|verified|verifying|verifier|unverif*|verification amend*|addendum|correction claim|claims|claimed|claiming|unclaim|pick_up|put_back|take_over|hand_over
      worklist|work_list|todo_list|my_list|reading_list|task_list clinical_notes|doctor_notes|reading_notes reject*|refus*|retake|reassign* assign+case|cases|scan second_read*|double_read*`,
    2: 'case|cases review|reviews|reviewing|reading|reads note|notes urgent|priorit*|stat|routine|triage conclude|conclusion+write|enter undo|mistake|wrong+case',
  },
  waiting: {
    6: 'anyone|anybody|somebody|someone|nobody|doctor+looked|seen|checked|touched|picked+case|scan|review|it|them',
    4: `any_update|any_updates|any_news|update_on|done_yet|finished_yet|ready_yet|is_it_done|whats_going_on|what_is_going_on|how_far|where_is_my_case|where_does_my|still_open|no_answer|no_reply|so_long|forever doctor|radiologist|pharmacist+seen|checked|finished|started pending|waiting|awaiting|queue*|queued|on_hold delay*|delayed|stuck|overdue|taking_so_long|takes_so_long|taking_forever|ages progress|in_progress status how_soon|eta|turnaround|still_not|not_yet|still_waiting
      how_long|how_much_time|how_many_days|how_many_hours|when+doctor|radiologist|case|verif*|ready|review*|look|approv*|releas*|pharmac*`,
    2: 'how_long|how_much_longer wait|waited until|til|till still',
    1: 'when how_many_days|how_many_hours|how_much_time days|hours|weeks',
  },
  steps: {
    6: 'how_many|which|all+step|steps|stages which_doctor|which_radiologist+handling|handles|reads|reading|has|got|sees|looks my_turn whose_turn what_happens|what_next|whats_next|what_now|who+upload|uploaded|uploading|send|sent|submit|submitted',
    4: `step|steps|stage|stages|phase|phases|process|workflow*|procedure|pipeline|journey|lifecycle what_happens|happens_next|happens_after|happen|whats_next|what_next|next|what_comes|comes_after|comes_next|afterwards
      who|which_person|which_doctor|whose|anyone|somebody|real_doctor|actual_doctor|human|a_doctor|doctors+look|looks|looking|check|checks|checking|examine*|reads|reviews|review|gets|receives|takes_care|handling|handle|reading|treating|decides_when|responsible|handles|involved|turn`,
    2: 'after|once first|then order|sequence doctor+look*|see finally',
    1: 'end|start|begin|finish*|done',
  },
  shareReport: {
    6: `cancel|revoke|stop|disable|withdraw|undo|expire|expires|expired|valid|long|open|opened|asks|asking|code|works|pin+link|links|sharing|shared|share!verification|email|activation|password|reset|forgot*
      share_link|shared_link|sharing_link|link_i_shared|shared_with`,
    4: `share|shares|shared|sharing|forward|forwarding another_doctor|second_opinion|family_doctor|own_doctor|other_doctor|my_gp other|another|second+doctor|doctors
      send|give|show|email|mail|pass|hand|transfer|let|access+${report}+${somebody}`,
    2: 'link|links code+link expire*',
  },
  abnormal: {
    4: 'abnormal*|abnormality normal|unremarkable finding|findings|impression|diagnosis|diagnosed conclusion|conclusions|no_acute|benign|malignant|suspicious|incidental positive|negative+result|results',
    2: 'mean|means|meaning|meant|term|terms|jargon|word worry|worried|worrying|serious|bad_news|good_news',
  },
  report: {
    4: `doctors_letter|letter|certificate|summary ${report.replace('|pdf', '')} test_result*|lab_result*|outcome doctor|doc|radiologist+written|wrote|conclude|concluded|found|said|say|says`,
    2: 'ready email|mail ready|finished download*|save|export print*|paper|hard_copy|copy read|understand|explain written kept|stored tamil|hindi|english insurance|employer|signed|signature|wrong_name|mistake_in translat*+report|reports|result|results',
    1: 'get|see|find|view|open|access where',
    3: 'pdf',
  },
  viewer: {
    4: `zoom*|magnif*|enlarge*|bigger|viewer brightness|brighter|darker|darken contrast+picture|image|images|screen|viewer|brightness|change|adjust window_level|windowing|greyscale|grayscale
      measure*|ruler|caliper* invert*|negative+image rotate*|rotation|flip|mirror|turn+image scroll* pan|drag+image full_screen|fullscreen|crosshair|annotat*|mpr|3d
      compare|side_by_side+image*|scan*|earlier|previous|old slices|slice|frames|series+screen|scroll|next|move|browse|through`,
    2: 'blurry|blurred|unclear|fuzzy|lighter|too_dark|too_bright|dark distance slice|slices tool|tools|toolbar reset+view|image screen+image*',
  },
  formats: {
    6: 'upload|send|accept+pdf|video|word',
    4: `format|formats|jpg|jpegs|jpeg|png|dicom|dcm|zip|zipped|bmp|tiff|tif|gif|heic|heif|webp|nifti|nii|rar|7z|raw_file|mp4|bitmap
      file_type|file_types|file_size|file_sizes|extension|extensions|kind_of_file*|kinds_of_file*|type_of_file*|types_of_file* mb|gb|kb|megabyte*|gigabyte*|megs|gigs maximum_size|max_size|size|sizes|size_limit|too_big|too_large|how_big|how_large`,
    2: 'file|files big|large|largest|huge maximum|max|limit|limits types|type folder|folders supported|support|accept*|accepted|allowed|compress*|convert*',
  },
  upload: {
    4: `upload* drag|drag-and-drop|drop+file*|dropzone photo|photos|picture|snapshot+phone|mobile|camera|film|iphone|android camera|webcam attach*|attachment* upload*+fail*|failed|stuck|percent|error|slow|stops|stopped|interrupted|resume|cancel*|broke|again|disappeared
      send|sent|submit|submitted|add|adding|put|import|transfer|give|load|hand_in|bring|get_in|get_it_in+${picture}+system|here|portal|app|you|in|site|page|cd|doctor|hospital|clinic|once|phone|pictures|more|another|again|i|into|case|same|second
      delete|deleted|deleting|remove|removing|replace|undo|take_back|withdraw|cancel+${picture} wrong|mistake|twice|duplicate+${picture} preview`,
    2: 'file|files folder photo|photos film+phone|scan|xray|photo|hospital send|submit|submitting scan|scans|xray delete|remove mistake|accidentally|by_accident internet|connection+upload* cd|dvd|usb|pendrive|stick',
  },
  images: {
    4: `my_scans|my_images|my_pictures|my_xrays|my_studies|my_photos|my_imaging|my_x-rays history|archive*
      old|older|previous|past|earlier|last_year|prior|former|all+${picture} studies|study_list|study`,
    3: 'my_scan|my_xray|my_x-ray|my_mri|my_ct image|images|pictures|imaging|scans',
    2: 'scan picture cd|dvd',
    1: 'where old|earlier|previous',
  },
  problem: {
    6: 'nothing_happens|doesnt_do_anything|does_nothing|not_responding+app|page|site|website|button|press|click|tap report_a|report_an|report_this|reporting_a|tell|report+bug|error|problem|issue|fault|glitch',
    4: `nothing_happens|doing_nothing|does_nothing bug|bugs|buggy|glitch* broken|broke!bone|bones|arm|leg|rib|ribs|wrist|hand|ankle|hip|finger|toe|nose crash* error|errors|error_message|404|500 problem|problems|issue|issues|trouble slow|slowly|laggy|lagging blank|white_screen|black_screen freez*|frozen|froze|hang|hangs|hanging
      not_working|doesnt_work|does_not_work|do_not_work|dont_work|isnt_working|stopped_working|wont_work|wont_load|wont_open|wont_start|not_opening|not_responding|not_loading|malfunction* not|doesnt|dont|wont+load|loading notification* offline
      page|pages|app|application|site|website|portal|button|buttons|screen|menu|browser+${broken}`,
    2: 'awful|terrible|useless page|pages|screen|app|site|website|button|browser fail*|failed nothing|disappeared|vanished reload|refresh tap|click|clicking|press something+wrong|strange',
  },
  feedback: {
    4: 'awful|terrible|horrible|bad|useless|great|love|best|like|hate+app|site|website|service|portal|staff feedback|feed_back complain*|complaint*|grievance* suggestion*|suggest_something|feature_request* improve*|better+make praise|compliment|rate_us|rating|testimonial idea|ideas rude|unhappy|dissatisfied|disappointed|terrible_service|bad_service|bad_experience',
    2: 'suggest|opinion|unprofessional|horrible|annoying|love|hate+app|site|website|service',
  },
  keys: {
    6: 'letters|text|font|writing|words|fonts+bigger|larger|smaller|size|increase',
    4: 'keyboard*|shortcut*|hotkey*|key_combination*|keys dark_mode|light_mode|night_mode|dark_theme|theme|themes|appearance change|switch|set|app|page|screen|site+language|languages font|font_size|text_size|bigger_text|larger_text|screen_reader|accessib*|colour_blind|color_blind',
    2: 'language|languages|dark',
  },
  contact: {
    6: 'what_can_you_help|what_do_you_help|can_you_help|user_guide|user_manual|how_to_use_this|how_do_i_use_this|help_page|help_me_with phone|telephone|mobile|email|number|address+help|helpdesk|help_desk|support|hospital|clinic|reception|office',
    4: `where_is|where_are|wheres|how_do_i_get_to|address_of|come_to+hospital|clinic|centre|center|office|reception|department|you how_to_use|how_does_this_work|how_does_this_app|how_does_the_app|get_started|getting_started contact* helpdesk|help_desk|service_desk|front_desk|reception|receptionist|hotline|helpline|support|customer_care|customer_service|call_centre|call_center|toll_free phone_number|telephone|landline|whatsapp_number
      call|ring|phone|reach|message|write_to|email|talk_to|speak_to|speak_with|talk_with|chat_with|connect_me+you|someone|somebody|person|human|agent|operator|staff|team|hospital|clinic|anyone|whom|support|people|admin
      human|real_person|live_agent|live_chat|live_person opening_hours|office_hours|working_hours|visiting_hours|business_hours|opening_times|are_you_open|timings talk_to|speak_to|whom_do_i|who_do_i|who_can_help|who_to_ask|need_help|i_need_help|help_me|assistance|assist_me located|location|directions|parking|where_are_you address+hospital|clinic|your
      appointment* book|booking+slot|visit|scan|doctor|time guide|manual|tutorial|tutorials|documentation|faq|faqs|instructions|handbook`,
    2: 'help hospital|clinic+number|open|address|visit|hours|email|time email|address number+phone|help|contact|emergency hours+open|working',
    1: 'phone|call|hospital|clinic',
  },
  greeting: {
    1: `hey|hi|hello+assistant|bot|doctor|team hru|hi_there|heyy|good_to_see hi|hii|hiii|hiiii|hiya|hello|helo|helloo|hey|heya|heyy|yo|howdy|hola|greetings good_morning|good_evening|good_afternoon|good_day|good_night|goodnight|morning|evening|afternoon|gm
      who_are_you|how_are_you|how_are_u|how_r_u|hows_it_going|how_do_you_do|how_you_doing|how_are_things|whats_up|wassup|sup|nice_to_meet what_are_you|your_name|what_can_you_do|are_you_a_bot|are_you_real|are_you_human vanakkam namaste namaskar salaam|salam`,
  },
  thanks: {
    3: 'thanks|thank|thanku|thankyou+help|helping|helpful|support|advice|info|information',
    1: `thanks_for|thank_you_for|thanks+help|helping|advice tata|many_thanks|thanx|thankx|thankyou thanks|thank|thankyou|thanku|thx|thnx|tnx|ty|tysm|tq|tks|cheers|grateful|appreciate*|much_obliged bye|byebye|goodbye|good_bye|cya|see_you|see_ya|farewell|so_long|later|have_a_nice|have_a_good|talk_later take_care welcome ok|okay|okey|k|alright|fine|cool|great|perfect|awesome|nice|super|got_it|understood|very_helpful|well_done|great_job|good_job`,
  },
};
