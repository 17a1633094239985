Invariant: report-released
Description: "A released report has its author, a conclusion, a report number and a PDF with size and hash"
Severity: #error
Expression: "(status in ('final' | 'amended' | 'corrected' | 'appended')) implies (resultsInterpreter.exists() and conclusion.exists() and issued.exists() and identifier.where(system = 'https://csss.example/fhir/sid/report-number').exists() and presentedForm.where(contentType = 'application/pdf' and url.exists() and size.exists() and hash.exists()).exists())"

Invariant: report-withheld
Description: "A report that is not released is kept from the patient"
Severity: #error
Expression: "(status in ('registered' | 'partial' | 'preliminary' | 'cancelled')) implies meta.security.where(code = 'NOPAT').exists()"

Profile: ReviewReport
Parent: DiagnosticReport
Id: review-report
Title: "Report of a review"
Description: "Empty when the study arrives; partial with the AI's result, preliminary with the doctor's, final when it is released."
* insert Ours
* obeys report-released
* obeys report-withheld
* identifier MS
* basedOn 1..* MS
* basedOn only Reference(ServiceRequest)
* status MS
* category 1..* MS
* category = $Service#RAD
* code MS
* code = $LNC#18748-4
* subject 1..1 MS
* subject only Reference(Patient)
* effective[x] 1..1 MS
* effective[x] only dateTime
* issued MS
* performer 1..* MS
* resultsInterpreter MS
* resultsInterpreter only Reference(Practitioner or PractitionerRole)
* result MS
* imagingStudy 1..* MS
* media MS
* conclusion MS
* conclusionCode MS
* presentedForm MS
* presentedForm.contentType 1..1 MS
* presentedForm.url MS
* presentedForm.size MS
* presentedForm.hash MS
* presentedForm.title MS

Invariant: document-replaces
Description: "A document that stands in relation to another replaces it"
Severity: #error
Expression: "relatesTo.all(code = 'replaces')"

Profile: ReportDocument
Parent: DocumentReference
Id: report-document
Title: "A released report as a document"
Description: "One version of the PDF. An amendment makes another one, which replaces it; the earlier one stays, superseded."
* insert Ours
* obeys document-replaces
* masterIdentifier 1..1 MS
* masterIdentifier.system 1..1
* masterIdentifier.value 1..1
* identifier 1..* MS
* status MS
* docStatus 1..1 MS
* type 1..1 MS
* type = $LNC#18748-4
* subject 1..1 MS
* subject only Reference(Patient)
* date 1..1 MS
* author 1..* MS
* authenticator MS
* relatesTo MS
* content 1..1 MS
* content.attachment.contentType 1..1 MS
* content.attachment.contentType = #application/pdf
* content.attachment.url 1..1 MS
* content.attachment.size 1..1 MS
* content.attachment.hash 1..1 MS
* content.attachment.title MS
* context 1..1 MS
* context.related 1..* MS

Invariant: message-reason
Description: "A message that was not sent says why, one that was sent says when"
Severity: #error
Expression: "(status in ('not-done' | 'stopped') implies statusReason.exists()) and (status = 'completed' implies sent.exists())"

Profile: ReportMessage
Parent: Communication
Id: report-message
Title: "Message that a report is there"
Description: "How the delivery ended. It holds references only: no name, no health data."
* insert Ours
* obeys message-reason
* identifier 1..* MS
* partOf 1..* MS
* partOf only Reference(StepTask)
* status MS
* statusReason MS
* statusReason from ReviewReasonVS (required)
* category 1..* MS
* medium 1..* MS
* medium = $Mode#EMAILWRIT
* subject 1..1 MS
* subject only Reference(Patient)
* about 1..* MS
* recipient 1..* MS
* sent MS
* payload MS
* payload.content[x] only Reference(DocumentReference)

Profile: WithdrawalMessage
Parent: Communication
Id: withdrawal-message
Title: "Message that a report is not valid any more"
Description: "Owed to whoever was sent a report that was withdrawn. It names the report by its number, and nothing of what was in it or of whom."
* insert Ours
* obeys message-reason
* identifier 1..* MS
* status MS
* statusReason MS
* statusReason from ReviewReasonVS (required)
* category 1..* MS
* medium 1..* MS
* medium = $Mode#EMAILWRIT
* subject 1..1 MS
* subject only Reference(Patient)
* about 0..0
* recipient 1..* MS
* sent MS
* payload 1..1 MS
* payload.content[x] only string

Profile: ReviewContent
Parent: Binary
Id: review-content
Title: "Bytes of a report or of a heat map"
Description: "Readable by whoever may read its security context."
* insert Ours
* contentType from ReviewContentTypeVS (required)
* securityContext 1..1 MS
* securityContext only Reference(Patient or Media or DocumentReference or Task)
* data 1..1 MS

Profile: ReviewProvenance
Parent: Provenance
Id: review-provenance
Title: "Who did a step of a review, when and from what"
Description: "One for each transition. A signature binds the words to the person who said them."
* insert Ours
* target MS
* occurred[x] 1..1 MS
* occurred[x] only dateTime
* recorded MS
* activity 1..1 MS
* activity.text 1..1 MS
* agent 1..* MS
* agent.type 1..1 MS
* agent.type from ReviewAgentVS (required)
* agent.who MS
* entity MS
* signature MS
* signature.type MS
* signature.sigFormat 1..1
* signature.sigFormat = #application/jose
* signature.data 1..1
* signature.who only Reference(Practitioner or PractitionerRole or Patient or Device)
