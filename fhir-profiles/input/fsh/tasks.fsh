Invariant: task-reason
Description: "A Task that is rejected, failed, cancelled or on hold says why"
Severity: #error
Expression: "(status in ('rejected' | 'failed' | 'cancelled' | 'on-hold')) implies (statusReason.coding.code.exists() or statusReason.text.exists())"

Invariant: coordination-end
Description: "A review is REPORT_READY exactly when its Task is completed"
Severity: #error
Expression: "businessStatus.coding.where(code = 'REPORT_READY').exists() = (status = 'completed')"

Invariant: coordination-ended
Description: "A review is REJECTED, CANCELLED or RETRACTED exactly when its Task ended without a report"
Severity: #error
Expression: "(businessStatus.coding.where(code in ('REJECTED' | 'CANCELLED' | 'RETRACTED')).exists()) = (status in ('rejected' | 'failed' | 'cancelled' | 'entered-in-error'))"

Invariant: coordination-document
Description: "A released review names the document"
Severity: #error
Expression: "status = 'completed' implies output.where(type.coding.where(code = 'document').exists()).exists()"

Profile: CoordinationTask
Parent: Task
Id: coordination-task
Title: "Coordination Task of a review"
Description: "The review of one imaging study as a whole. The server advances it when a step Task ends; nobody else writes it."
* insert Ours
* obeys task-reason
* obeys coordination-end
* obeys coordination-ended
* obeys coordination-document
* identifier MS
* basedOn 1..* MS
* basedOn only Reference(ServiceRequest)
* groupIdentifier MS
* partOf 0..0
* status MS
* statusReason MS
* businessStatus 1..1 MS
* businessStatus from ReviewStatusVS (required)
* intent = #order
* priority MS
* code 1..1 MS
* code = $TaskCode#fulfill
* focus 1..1 MS
* focus only Reference(ServiceRequest)
* for 1..1 MS
* for only Reference(Patient)
* authoredOn 1..1 MS
* lastModified 1..1 MS
* requester MS
* input 1..* MS
* input.type from ReviewDataVS (required)
* insert ByType(input)
* insert Reference(input, study, study, 1, 1, ImagingStudy)
* output 1..* MS
* output.type from ReviewDataVS (required)
* insert ByType(output)
* insert Reference(output, report, report, 1, 1, DiagnosticReport)
* insert Reference(output, aiFinding, ai-finding, 0, *, Observation)
* insert Reference(output, clinicalFinding, clinical-finding, 0, 1, Observation)
* insert Reference(output, concordance, concordance, 0, 1, Observation)
* output contains medication 0..* MS
* output[medication].type = ReviewData#medication
* output[medication].value[x] only Reference(MedicationRequest) or CodeableConcept
* insert Reference(output, document, document, 0, *, DocumentReference)

Invariant: step-owner
Description: "A step that a person has completed says who"
Severity: #error
Expression: "(status = 'completed' and code.coding.where(code in ('physician-verification' | 'pharmacist-review' | 'release-approval' | 'report-amendment')).exists()) implies owner.exists()"

Invariant: step-finding
Description: "A completed analysis has a finding"
Severity: #error
Expression: "(status = 'completed' and code.coding.where(code = 'ai-inference').exists()) implies output.where(type.coding.where(code = 'ai-finding').exists()).exists()"

Invariant: step-reading
Description: "A completed verification has a note, a conclusion and the doctor's finding"
Severity: #error
Expression: "(status = 'completed' and code.coding.where(code = 'physician-verification').exists()) implies (note.exists() and output.where(type.coding.where(code = 'conclusion').exists()).exists() and output.where(type.coding.where(code = 'clinical-finding').exists()).exists())"

Invariant: step-amendment
Description: "A step that amends a report says how and why; a completed one has a note"
Severity: #error
Expression: "code.coding.where(code = 'report-amendment').exists() implies (input.where(type.coding.where(code = 'amendment-kind').exists()).exists() and input.where(type.coding.where(code = 'amendment-reason').exists()).exists() and (status = 'completed' implies note.exists()))"

Invariant: step-medication
Description: "A completed pharmacist review has a note, and medication or the statement that none is needed"
Severity: #error
Expression: "(status = 'completed' and code.coding.where(code = 'pharmacist-review').exists()) implies (note.exists() and output.where(type.coding.where(code = 'medication').exists()).exists())"

Invariant: step-message
Description: "A completed delivery names the document and the message"
Severity: #error
Expression: "(status = 'completed' and code.coding.where(code = 'report-delivery').exists()) implies (output.where(type.coding.where(code = 'document').exists()).exists() and output.where(type.coding.where(code = 'message').exists()).exists())"

Invariant: step-end
Description: "A step that has ended says when"
Severity: #error
Expression: "(status in ('completed' | 'failed')) implies executionPeriod.end.exists()"

Profile: StepTask
Parent: Task
Id: step-task
Title: "Step Task of a review"
Description: "One hand-over within a review: who acts next, on what, and how it ended. Written by the person or program that acts; for staff only."
* insert Ours
* insert Withheld
* obeys task-reason
* obeys step-owner
* obeys step-finding
* obeys step-reading
* obeys step-amendment
* obeys step-medication
* obeys step-message
* obeys step-end
* partOf 1..1 MS
* partOf only Reference(CoordinationTask)
* basedOn MS
* basedOn only Reference(ServiceRequest)
* groupIdentifier MS
* status MS
* statusReason MS
* businessStatus 0..0
* intent = #order
* priority MS
* code 1..1 MS
* code from ReviewStepVS (required)
* focus 1..1 MS
* focus only Reference(ImagingStudy)
* for 1..1 MS
* for only Reference(Patient)
* executionPeriod MS
* authoredOn 1..1 MS
* lastModified 1..1 MS
* requester MS
* performerType 1..1 MS
* owner MS
* owner only Reference(Practitioner or PractitionerRole or Device)
* note MS
* note.text MS
* restriction MS
* input 1..* MS
* input.type from ReviewDataVS (required)
* insert ByType(input)
* insert Reference(input, study, study, 1, 1, ImagingStudy)
* insert Reference(input, aiFinding, ai-finding, 0, *, Observation)
* insert Reference(input, clinicalFinding, clinical-finding, 0, *, Observation)
* insert Reference(input, retryOf, retry-of, 0, *, Task)
* insert Reference(input, returnedFrom, returned-from, 0, *, Task)
* insert Reference(input, imageUpdate, image-update, 0, *, ImagingStudy)
* insert Reference(input, amendedBy, amended-by, 0, 1, Task)
* insert Reference(input, recipient, recipient, 0, 1, Practitioner or PractitionerRole or RelatedPerson or Organization or Patient)
* input contains image 0..* MS
* input[image].type = ReviewData#image
* input[image].value[x] only Identifier
* input contains amendmentKind 0..1 MS
* input[amendmentKind].type = ReviewData#amendment-kind
* input[amendmentKind].value[x] only CodeableConcept
* input[amendmentKind].valueCodeableConcept from AmendmentKindVS (required)
* input contains amendmentReason 0..* MS
* input[amendmentReason].type = ReviewData#amendment-reason
* input[amendmentReason].value[x] only CodeableConcept or string
* output MS
* output.type from ReviewDataVS (required)
* insert ByType(output)
* insert Reference(output, aiFinding, ai-finding, 0, *, Observation)
* insert Reference(output, clinicalFinding, clinical-finding, 0, *, Observation)
* insert Reference(output, report, report, 0, *, DiagnosticReport)
* insert Reference(output, document, document, 0, *, DocumentReference)
* insert Reference(output, message, message, 0, *, Communication)
* insert Reference(output, imagesSeen, images-seen, 0, *, ImagingStudy)
* output contains conclusion 0..* MS
* output[conclusion].type = ReviewData#conclusion
* output[conclusion].value[x] only CodeableConcept
* output[conclusion].valueCodeableConcept from ReadingConclusionVS (extensible)
* output contains concordance 0..* MS
* output[concordance].type = ReviewData#concordance
* output[concordance].value[x] only CodeableConcept or Reference(Observation)
* output contains disagreement 0..* MS
* output[disagreement].type = ReviewData#disagreement
* output[disagreement].value[x] only string
* output contains medication 0..* MS
* output[medication].type = ReviewData#medication
* output[medication].value[x] only Reference(MedicationRequest) or CodeableConcept
* output contains discordanceConfirmed 0..* MS
* output[discordanceConfirmed].type = ReviewData#discordance-confirmed
* output[discordanceConfirmed].value[x] only boolean

Invariant: identity-decision
Description: "A completed check says what was decided and why, and who is meant when it is the same person"
Severity: #error
Expression: "(status = 'completed') implies (note.exists() and output.where(type.coding.where(code = 'decision').exists()).exists() and (output.where(type.coding.where(code = 'decision').exists()).value.coding.where(code = 'same-person').exists() implies output.where(type.coding.where(code = 'candidate').exists()).exists()))"

Profile: IdentityCheckTask
Parent: Task
Id: identity-check-task
Title: "Task that asks whose images these are"
Description: "Images came whose patient is not clear, or that contradict what is known; an administrator decides."
* insert Ours
* insert Withheld
* obeys task-reason
* obeys identity-decision
* identifier MS
* status MS
* statusReason MS
* intent = #order
* code 1..1 MS
* code = ReviewStep#identity-check
* reasonCode MS
* focus MS
* focus only Reference(ImagingStudy)
* for MS
* for only Reference(Patient)
* authoredOn 1..1 MS
* lastModified 1..1 MS
* performerType 1..1 MS
* owner MS
* note MS
* input MS
* input.type from ReviewDataVS (required)
* insert ByType(input)
* insert Reference(input, study, study, 0, *, ImagingStudy)
* insert Reference(input, candidate, candidate, 0, *, Patient)
* input contains heldImages 0..1 MS
* input[heldImages].type = ReviewData#held-images
* input[heldImages].value[x] only unsignedInt
* output MS
* output.type from ReviewDataVS (required)
* insert ByType(output)
* output contains decision 0..* MS
* output[decision].type = ReviewData#decision
* output[decision].value[x] only CodeableConcept
* output[decision].valueCodeableConcept from IdentityDecisionVS (required)
* insert Reference(output, candidate, candidate, 0, *, Patient)
