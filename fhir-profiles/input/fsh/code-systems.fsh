// Made by scripts/build-profiles.ts from server/core/vocabulary: not written by hand.

CodeSystem: ReviewStatus
Id: review-status
Title: "Status of a review"
Description: "Task.businessStatus of a coordination Task."
* insert Ours
* ^caseSensitive = true
* #PENDING_AI "Waiting for AI analysis"
* #AI_ANALYZED "AI result present"
* #AI_SKIPPED "Going on without an AI result"
* #RETURNED "Sent back to the doctor"
* #DOCTOR_VERIFIED "Verified by a doctor"
* #PHARMACIST_COMPLETED "Pharmacist part complete"
* #REPORT_READY "Report released"
* #REJECTED "New image needed"
* #CANCELLED "Review cancelled"
* #RETRACTED "Entered in error"

CodeSystem: ReviewStep
Id: review-step
Title: "Steps of a review"
Description: "Task.code of a step Task."
* insert Ours
* ^caseSensitive = true
* #ai-inference "Run the image classifier"
* #physician-verification "Verify the result and write the conclusion"
* #pharmacist-review "Review and propose medication"
* #release-approval "Approve the release of the report"
* #report-delivery "Make the report and deliver it"
* #report-amendment "Amend the released report"
* #identity-check "Decide whose images these are"

CodeSystem: ReviewData
Id: review-data
Title: "Inputs and outputs of a review"
Description: "Types of Task.input and Task.output, and what some of them say."
* insert Ours
* ^caseSensitive = true
* #study "Imaging study"
* #report "Diagnostic report"
* #ai-finding "AI classification"
* #clinical-finding "Doctor's finding"
* #conclusion "Doctor's conclusion"
* #concordance "Doctor's agreement with the AI"
* #medication "Medication"
* #document "Report document"
* #message "Message to the patient"
* #retry-of "Earlier try of this step"
* #returned-from "Step that sent the review back"
* #none-needed "No medication needed"
* #image "Image that the analysis reads"
* #image-update "State of the study after images came or went"
* #images-seen "State of the study that the reader has seen"
* #disagreement "Why the reader differs from the AI"
* #discordance-confirmed "Released although reader and AI differ"
* #amendment-kind "Kind of the amendment"
* #addendum "Addendum: something is added"
* #correction "Correction: something was wrong"
* #amendment "Amendment: something is changed"
* #amendment-reason "Why the report is amended"
* #amended-by "Amendment that this step brings on its way"
* #recipient "Who is told, beside the patient"
* #candidate "Person who may be meant"
* #held-images "Images that wait for the decision"
* #decision "Decision"
* #same-person "The same person"
* #another-person "Another person"
* #accept "Accept the images"
* #discard "Discard the images"

CodeSystem: ReviewReason
Id: review-reason
Title: "Reasons"
Description: "Task.statusReason and Communication.statusReason."
* insert Ours
* ^caseSensitive = true
* #no-pixel-data "The study has no image that can be analysed"
* #unsupported-transfer-syntax "The image encoding is not supported"
* #broken-pixel-data "The image data is damaged"
* #model-error "The model failed"
* #timeout "The time limit was reached"
* #image-quality "Image quality insufficient"
* #wrong-patient "The image belongs to another patient"
* #withdrawn "Withdrawn by the patient"
* #print-failed "The report could not be printed"
* #no-address "The patient has no e-mail address"
* #not-wanted "The patient wants no mail about reports"
* #bad-address "The e-mail address is not valid"
* #delivery-failed "The message could not be delivered"
* #delivery-cancelled "An administrator called the message off"
* #address-unconfirmed "The recipient has not confirmed the e-mail address"
* #new-images "Images arrived after the reading"
* #images-removed "Images of the reading were removed"
* #not-eligible "No image of the study is one that the AI is for"
* #amended "The doctor amends the reading"
* #cancelled "The review was cancelled"
* #entered-in-error "Entered in error"
* #identity-unclear "It is not clear whose images these are"
* #signature-mismatch "The text differs from what was signed"
* #superseded "A newer version of the report took its place"

CodeSystem: ScanFinding
Id: scan-finding
Title: "Findings in a scan"
Description: "Classes of the model, parts of its answer, and how a doctor and the model relate."
* insert Ours
* ^caseSensitive = true
* #ai-classification "AI image classification"
* #concordance "Doctor's agreement with the AI result"
* #clinical-finding "Doctor's reading of the image"
* #COVID "COVID-19 pattern"
* #Lung_Opacity "Lung opacity"
* #NIH_MERGED "Other abnormality (class named after its data source)"
* #Normal "Normal"
* #Sick "Abnormal cardiac MR"
* #Viral_Pneumonia "Viral pneumonia pattern"
* #Uncertain "Uncertain: no class reaches the threshold"
* #Unsupported "Unsupported image"
* #threshold "Decision threshold"
* #refusal "Why no class is given"
* #class-index "Index of the class with the highest probability"
* #model-digest "SHA-256 of the model file"
* #runtime "Execution provider"
* #duration "Time of the analysis"
* #unsupported-modality "Modality outside the intended use of the model"
* #unsupported-view "Projection outside the intended use of the model"
* #unsupported-body-part "Body part outside the intended use of the model"
* #not-like-training-images "The image is unlike those that the model was made for"
* #agree "Agrees"
* #partly "Agrees in part"
* #disagree "Disagrees"

CodeSystem: ReadingConclusion
Id: reading-conclusion
Title: "Conclusions of a reader"
Description: "What a doctor may conclude beside the classes of the model."
* insert Ours
* ^caseSensitive = true
* #no-abnormality "No abnormality found"
* #abnormality "Abnormality, described in the text"
* #incidental-finding "Incidental finding that needs follow-up"
* #not-diagnostic "Not diagnostic: no conclusion is possible from these images"
* #pneumonia "Pneumonia"
* #pleural-effusion "Pleural effusion"
* #pneumothorax "Pneumothorax"
* #pulmonary-nodule "Pulmonary nodule"
* #cardiomegaly "Enlarged heart"
* #pulmonary-embolism "Pulmonary embolism"
* #ventricular-dysfunction "Ventricular dysfunction"
* #myocardial-scar "Scar of the heart muscle"
* #fracture "Fracture"
* #no-fracture "No fracture"
* #dislocation "Dislocation"
* #degenerative-changes "Degenerative changes"
* #intracranial-haemorrhage "Intracranial haemorrhage"
* #ischaemia "Ischaemia"
* #mass-lesion "Mass lesion"
* #bowel-obstruction "Bowel obstruction"
* #calculus "Calculus"
* #free-fluid-or-air "Free fluid or air"

CodeSystem: ModelVersion
Id: model-version
Title: "Versions of a model"
Description: "Device.version.type of a model."
* insert Ours
* ^caseSensitive = true
* #weights-sha256 "SHA-256 of the model file"
* #model-version "Version of the model"
* #runtime "Execution provider"

CodeSystem: ConsentKind
Id: consent-kind
Title: "What a patient decides"
Description: "Consent.category of what patients decide about their own record."
* insert Ours
* ^caseSensitive = true
* #share-by-link "Showing a report to others by a link with a code"
* #report-by-mail "A mail with the report when it is released"
* #improve-model "Use of images for improving the image classifier"

ValueSet: ReadingConclusionGeneral
Id: reading-conclusion-general
Title: "What a reader may conclude: general"
Description: "Codes beside a text, which is always allowed, for every study."
* insert Ours
* ReadingConclusion#no-abnormality
* ReadingConclusion#abnormality
* ReadingConclusion#incidental-finding
* ReadingConclusion#not-diagnostic

ValueSet: ReadingConclusionChestRadiograph
Id: reading-conclusion-chest-radiograph
Title: "What a reader may conclude: chest radiograph"
Description: "Codes beside a text, which is always allowed, for modality CR, DX, RG, RF; body part CHEST, LUNG, THORAX, 51185008, 39607008, 43799004, 816094009."
* insert Ours
* ScanFinding#Normal
* ScanFinding#Lung_Opacity
* ScanFinding#Viral_Pneumonia
* ScanFinding#COVID
* ReadingConclusion#pneumonia
* ReadingConclusion#pleural-effusion
* ReadingConclusion#pneumothorax
* ReadingConclusion#pulmonary-nodule
* ReadingConclusion#cardiomegaly

ValueSet: ReadingConclusionChestCt
Id: reading-conclusion-chest-ct
Title: "What a reader may conclude: chest ct"
Description: "Codes beside a text, which is always allowed, for modality CT; body part CHEST, LUNG, THORAX, 51185008, 39607008, 43799004, 816094009."
* insert Ours
* ScanFinding#Normal
* ScanFinding#Lung_Opacity
* ScanFinding#Viral_Pneumonia
* ScanFinding#COVID
* ReadingConclusion#pneumonia
* ReadingConclusion#pleural-effusion
* ReadingConclusion#pneumothorax
* ReadingConclusion#pulmonary-nodule
* ReadingConclusion#pulmonary-embolism

ValueSet: ReadingConclusionCardiacMr
Id: reading-conclusion-cardiac-mr
Title: "What a reader may conclude: cardiac mr"
Description: "Codes beside a text, which is always allowed, for modality MR; body part HEART, CHEST, THORAX, 80891009, 51185008, 43799004, 816094009."
* insert Ours
* ScanFinding#Normal
* ScanFinding#Sick
* ReadingConclusion#ventricular-dysfunction
* ReadingConclusion#myocardial-scar
* ReadingConclusion#cardiomegaly

ValueSet: ReadingConclusionSkeleton
Id: reading-conclusion-skeleton
Title: "What a reader may conclude: skeleton"
Description: "Codes beside a text, which is always allowed, for modality CR, DX, RG, RF, CT, MR; body part SPINE, CSPINE, TSPINE, LSPINE, SSPINE, CERVICALSPINE, THORACICSPINE, LUMBARSPINE, 122494005, 122495006, 122496007, HAND, WRIST, ELBOW, SHOULDER, ARM, FOREARM, FINGER, FOOT, ANKLE, KNEE, LEG, THIGH, FEMUR, HIP, PELVIS, RIB, SKULL, CLAVICLE, HANDJOINT, ELBOWJOINT, ANKLEJOINT, 85562004, 16953009, 16982005, 56459004, 70258002, 72696002, 89546000."
* insert Ours
* ReadingConclusion#fracture
* ReadingConclusion#no-fracture
* ReadingConclusion#dislocation
* ReadingConclusion#degenerative-changes
* ReadingConclusion#mass-lesion

ValueSet: ReadingConclusionHead
Id: reading-conclusion-head
Title: "What a reader may conclude: head"
Description: "Codes beside a text, which is always allowed, for modality CT, MR; body part HEAD, BRAIN, SKULL, NECK, 69536005, 12738006, 89546000, 45048000."
* insert Ours
* ReadingConclusion#intracranial-haemorrhage
* ReadingConclusion#ischaemia
* ReadingConclusion#mass-lesion
* ReadingConclusion#fracture

ValueSet: ReadingConclusionAbdomen
Id: reading-conclusion-abdomen
Title: "What a reader may conclude: abdomen"
Description: "Codes beside a text, which is always allowed, for modality CR, DX, CT, MR, US; body part ABDOMEN, LIVER, KIDNEY, PELVIS, ABDOMENPELVIS, 818981001, 10200004, 64033007."
* insert Ours
* ReadingConclusion#bowel-obstruction
* ReadingConclusion#calculus
* ReadingConclusion#free-fluid-or-air
* ReadingConclusion#mass-lesion
