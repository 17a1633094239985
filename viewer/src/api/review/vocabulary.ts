/** Made by scripts/build-vocabulary.ts from the words of the server: not written by hand. */

export const systems = {
  reviewStatus: 'https://csss.example/fhir/CodeSystem/review-status',
  reviewStep: 'https://csss.example/fhir/CodeSystem/review-step',
  reviewData: 'https://csss.example/fhir/CodeSystem/review-data',
  reviewReason: 'https://csss.example/fhir/CodeSystem/review-reason',
  scanFinding: 'https://csss.example/fhir/CodeSystem/scan-finding',
  readingConclusion: 'https://csss.example/fhir/CodeSystem/reading-conclusion',
  reportNumber: 'https://csss.example/fhir/sid/report-number',
  medicationWarning: 'https://csss.example/fhir/sid/medication-warning',
  studyUid: 'urn:dicom:uid',
} as const;

export const reviewStatuses = [
  'PENDING_AI',
  'AI_ANALYZED',
  'AI_SKIPPED',
  'RETURNED',
  'DOCTOR_VERIFIED',
  'PHARMACIST_COMPLETED',
  'REPORT_READY',
  'REJECTED',
  'CANCELLED',
  'RETRACTED',
] as const;

export const reviewSteps = [
  'ai-inference',
  'physician-verification',
  'pharmacist-review',
  'release-approval',
  'report-delivery',
  'report-amendment',
  'identity-check',
] as const;

export const scanClasses = ['COVID', 'Lung_Opacity', 'NIH_MERGED', 'Normal', 'Sick', 'Viral_Pneumonia'] as const;

/** What a reader may conclude of which study (server/core/vocabulary/conclusions.ts). */
// prettier-ignore
export const conclusionSets = [
  {"modalities":null,"bodyParts":null,"codes":[{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"no-abnormality","display":"No abnormality found"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"abnormality","display":"Abnormality, described in the text"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"incidental-finding","display":"Incidental finding that needs follow-up"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"not-diagnostic","display":"Not diagnostic: no conclusion is possible from these images"}]},
  {"modalities":["CR","DX","RG","RF"],"bodyParts":["CHEST","LUNG","THORAX","51185008","39607008","43799004","816094009"],"codes":[{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"Normal","display":"Normal"},{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"Lung_Opacity","display":"Lung opacity"},{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"Viral_Pneumonia","display":"Viral pneumonia pattern"},{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"COVID","display":"COVID-19 pattern"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pneumonia","display":"Pneumonia"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pleural-effusion","display":"Pleural effusion"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pneumothorax","display":"Pneumothorax"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pulmonary-nodule","display":"Pulmonary nodule"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"cardiomegaly","display":"Enlarged heart"}]},
  {"modalities":["CT"],"bodyParts":["CHEST","LUNG","THORAX","51185008","39607008","43799004","816094009"],"codes":[{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"Normal","display":"Normal"},{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"Lung_Opacity","display":"Lung opacity"},{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"Viral_Pneumonia","display":"Viral pneumonia pattern"},{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"COVID","display":"COVID-19 pattern"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pneumonia","display":"Pneumonia"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pleural-effusion","display":"Pleural effusion"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pneumothorax","display":"Pneumothorax"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pulmonary-nodule","display":"Pulmonary nodule"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"pulmonary-embolism","display":"Pulmonary embolism"}]},
  {"modalities":["MR"],"bodyParts":["HEART","CHEST","THORAX","80891009","51185008","43799004","816094009"],"codes":[{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"Normal","display":"Normal"},{"system":"https://csss.example/fhir/CodeSystem/scan-finding","code":"Sick","display":"Abnormal cardiac MR"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"ventricular-dysfunction","display":"Ventricular dysfunction"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"myocardial-scar","display":"Scar of the heart muscle"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"cardiomegaly","display":"Enlarged heart"}]},
  {"modalities":["CR","DX","RG","RF","CT","MR"],"bodyParts":["SPINE","CSPINE","TSPINE","LSPINE","SSPINE","CERVICALSPINE","THORACICSPINE","LUMBARSPINE","122494005","122495006","122496007","HAND","WRIST","ELBOW","SHOULDER","ARM","FOREARM","FINGER","FOOT","ANKLE","KNEE","LEG","THIGH","FEMUR","HIP","PELVIS","RIB","SKULL","CLAVICLE","HANDJOINT","ELBOWJOINT","ANKLEJOINT","85562004","16953009","16982005","56459004","70258002","72696002","89546000"],"codes":[{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"fracture","display":"Fracture"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"no-fracture","display":"No fracture"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"dislocation","display":"Dislocation"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"degenerative-changes","display":"Degenerative changes"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"mass-lesion","display":"Mass lesion"}]},
  {"modalities":["CT","MR"],"bodyParts":["HEAD","BRAIN","SKULL","NECK","69536005","12738006","89546000","45048000"],"codes":[{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"intracranial-haemorrhage","display":"Intracranial haemorrhage"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"ischaemia","display":"Ischaemia"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"mass-lesion","display":"Mass lesion"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"fracture","display":"Fracture"}]},
  {"modalities":["CR","DX","CT","MR","US"],"bodyParts":["ABDOMEN","LIVER","KIDNEY","PELVIS","ABDOMENPELVIS","818981001","10200004","64033007"],"codes":[{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"bowel-obstruction","display":"Bowel obstruction"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"calculus","display":"Calculus"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"free-fluid-or-air","display":"Free fluid or air"},{"system":"https://csss.example/fhir/CodeSystem/reading-conclusion","code":"mass-lesion","display":"Mass lesion"}]},
] as const;

/** Why something is so, by the words of it in records: pages say it in their own language. */
// prettier-ignore
export const reasonsByDisplay: readonly (readonly [display: string, code: string])[] = [
  ["The study has no image that can be analysed","no-pixel-data"],
  ["The image encoding is not supported","unsupported-transfer-syntax"],
  ["The image data is damaged","broken-pixel-data"],
  ["The model failed","model-error"],
  ["The time limit was reached","timeout"],
  ["Image quality insufficient","image-quality"],
  ["The image belongs to another patient","wrong-patient"],
  ["Withdrawn by the patient","withdrawn"],
  ["The report could not be printed","print-failed"],
  ["The patient has no e-mail address","no-address"],
  ["The patient wants no mail about reports","not-wanted"],
  ["The e-mail address is not valid","bad-address"],
  ["The message could not be delivered","delivery-failed"],
  ["An administrator called the message off","delivery-cancelled"],
  ["The recipient has not confirmed the e-mail address","address-unconfirmed"],
  ["Images arrived after the reading","new-images"],
  ["Images of the reading were removed","images-removed"],
  ["No image of the study is one that the AI is for","not-eligible"],
  ["The doctor amends the reading","amended"],
  ["The review was cancelled","cancelled"],
  ["Entered in error","entered-in-error"],
  ["It is not clear whose images these are","identity-unclear"],
  ["The text differs from what was signed","signature-mismatch"],
  ["A newer version of the report took its place","superseded"],
  ["Modality outside the intended use of the model","unsupported-modality"],
  ["Projection outside the intended use of the model","unsupported-view"],
  ["Body part outside the intended use of the model","unsupported-body-part"],
  ["The image is unlike those that the model was made for","not-like-training-images"],
];
