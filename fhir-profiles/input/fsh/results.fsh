Extension: InstanceUid
Id: instance-uid
Title: "SOP Instance UID"
Description: "The image that a result was read from, or that a picture lies over. R4 has no ImagingSelection."
Context: Observation, Media
* insert Ours
* value[x] 1..1
* value[x] only string or oid

Invariant: probability
Description: "A share is between 0 and 1"
Severity: #error
Expression: "(value as Quantity).where(code = '1').all(value >= 0 and value <= 1)"

Invariant: ai-classes
Description: "The probabilities of the classes are there"
Severity: #error
Expression: "component.where(code.coding.where(code in ('COVID' | 'Lung_Opacity' | 'NIH_MERGED' | 'Normal' | 'Sick' | 'Viral_Pneumonia')).exists()).exists()"

Invariant: ai-no-disease
Description: "What the model says is no code of a disease"
Severity: #error
Expression: "value.coding.where(system = 'http://snomed.info/sct').empty()"

Invariant: ai-uncertain
Description: "An uncertain answer says that it is indeterminate"
Severity: #error
Expression: "value.coding.where(code = 'Uncertain').exists() implies interpretation.coding.where(code = 'IND').exists()"

Invariant: ai-refusal
Description: "Where no class is given because the image is unsupported, the reason is"
Severity: #error
Expression: "value.coding.where(code = 'Unsupported').exists() implies component.where(code.coding.where(code = 'refusal').exists()).exists()"

Profile: AiFinding
Parent: Observation
Id: ai-finding
Title: "What the AI says of an image"
Description: "A class, Uncertain or Unsupported, with the probabilities of all classes, the threshold and the digest of the model. Decision support: a doctor decides."
* insert Ours
* insert ByTheAI
* obeys ai-classes
* obeys ai-no-disease
* obeys ai-uncertain
* obeys ai-refusal
* extension contains InstanceUid named instanceUid 1..1 MS
* basedOn MS
* partOf 1..* MS
* partOf only Reference(ImagingStudy)
* status MS
* category 1..* MS
* category = $ObservationCategory#imaging
* code MS
* code = ScanFinding#ai-classification
* subject 1..1 MS
* subject only Reference(Patient)
* effective[x] 1..1 MS
* effective[x] only dateTime
* issued 1..1 MS
* value[x] 1..1 MS
* value[x] only CodeableConcept
* value[x] from AiAnswerVS (required)
* interpretation MS
* note MS
* method MS
* device 1..1 MS
* device only Reference(AiModel)
* derivedFrom 1..* MS
* derivedFrom only Reference(ImagingStudy or Media)
* component 1..* MS
* component.code from AiComponentVS (required)
* component obeys probability
* component ^slicing.discriminator.type = #pattern
* component ^slicing.discriminator.path = "code"
* component ^slicing.rules = #open
* component contains threshold 1..1 MS
* component[threshold].code = ScanFinding#threshold
* component[threshold].value[x] 1..1
* component[threshold].value[x] only Quantity
* component contains modelDigest 1..1 MS
* component[modelDigest].code = ScanFinding#model-digest
* component[modelDigest].value[x] 1..1
* component[modelDigest].value[x] only string
* component contains refusal 0..1 MS
* component[refusal].code = ScanFinding#refusal
* component[refusal].value[x] 1..1
* component[refusal].value[x] only CodeableConcept
* component[refusal].value[x] from AiRefusalVS (required)

Profile: Concordance
Parent: Observation
Id: concordance
Title: "How the doctor's reading and the AI's relate"
Description: "Computed by the server from both codes; the doctor's reason stands beside a disagreement."
* insert Ours
* obeys concordance-reason
* status MS
* category 1..* MS
* category = $ObservationCategory#imaging
* code MS
* code = ScanFinding#concordance
* subject 1..1 MS
* subject only Reference(Patient)
* focus 1..* MS
* focus only Reference(AiFinding)
* effective[x] 1..1 MS
* effective[x] only dateTime
* issued 1..1 MS
* performer 1..* MS
* performer only Reference(Practitioner or PractitionerRole)
* value[x] 1..1 MS
* value[x] only CodeableConcept
* value[x] from ConcordanceVS (required)
* note MS

Invariant: concordance-reason
Description: "Who differs from the AI says why"
Severity: #error
Expression: "value.coding.where(code = 'disagree').exists() implies note.text.exists()"

Profile: ClinicalFinding
Parent: Observation
Id: clinical-finding
Title: "The doctor's reading"
Description: "The doctor's own word: the notes, and a conclusion by code or text; an addendum may have none. The AI's label never stands in for it."
* insert Ours
* basedOn MS
* status MS
* category 1..* MS
* category = $ObservationCategory#imaging
* code MS
* code = ScanFinding#clinical-finding
* subject 1..1 MS
* subject only Reference(Patient)
* effective[x] 1..1 MS
* effective[x] only dateTime
* issued 1..1 MS
* performer 1..* MS
* performer only Reference(Practitioner or PractitionerRole)
* value[x] MS
* value[x] only CodeableConcept
* value[x] from ReadingConclusionVS (extensible)
* note 1..* MS
* device 0..0
* derivedFrom 1..* MS

Profile: HeatMap
Parent: Media
Id: heat-map
Title: "Heat map over an image"
Description: "Where the model looked, not where disease is."
* insert Ours
* insert ByTheAI
* extension contains InstanceUid named instanceUid 1..1 MS
* basedOn MS
* status MS
* subject 1..1 MS
* subject only Reference(Patient)
* created[x] 1..1 MS
* created[x] only dateTime
* device 1..1 MS
* device only Reference(AiModel)
* height 1..1 MS
* width 1..1 MS
* content.contentType 1..1 MS
* content.contentType = #image/jpeg
* content.url 1..1 MS
* content.size 1..1 MS
* content.title MS

Profile: AiModel
Parent: Device
Id: ai-model
Title: "The model"
Description: "A classifier as the registry of models keeps it; other weights are another Device."
* insert Ours
* identifier 1..* MS
* status 1..1 MS
* modelNumber 1..1 MS
* deviceName 1..* MS
* deviceName.type = #model-name
* type 1..1 MS
* version 2..* MS
* version.type 1..1 MS
* version.type from ModelVersionVS (required)
* insert ByType(version)
* version contains weights 1..1 MS
* version[weights].type = ModelVersion#weights-sha256
* version[weights].value obeys sha256
* version contains modelVersion 1..1 MS
* version[modelVersion].type = ModelVersion#model-version
* note 1..* MS

Invariant: sha256
Description: "A SHA-256 in 64 hexadecimal digits"
Severity: #error
Expression: "matches('^[0-9a-f]{64}$')"

Profile: MedicationProposal
Parent: MedicationRequest
Id: medication-proposal
Title: "Medication that a pharmacist proposes"
Description: "A proposal, no order: an order would need a prescriber. A draft until the report is released."
* insert Ours
* status MS
* intent = #proposal
* intent MS
* medication[x] MS
* subject only Reference(Patient)
* subject MS
* authoredOn 1..1 MS
* requester 1..1 MS
* requester only Reference(Practitioner or PractitionerRole)
* reasonReference MS
* groupIdentifier MS
* dosageInstruction MS
* dosageInstruction.text MS
* note MS

Profile: MedicationIssue
Parent: DetectedIssue
Id: medication-issue
Title: "What a prescription was warned of"
Description: "A duplicate, an interaction or an allergy that was found when medication was proposed, and why it was proposed all the same. Other systems bring issues of their own."
* insert Ours
* status = #final
* status MS
* code MS
* severity MS
* patient 1..1 MS
* patient only Reference(Patient)
* identified[x] MS
* author 1..1 MS
* implicated 1..* MS
* detail MS
* mitigation MS

Profile: PatientDecision
Parent: Consent
Id: patient-decision
Title: "What a patient has decided about the own record"
Description: "One for each kind, decided on the patient's own page; a changed decision is a version."
* insert Ours
* status = #active
* status MS
* scope MS
* category 1..1 MS
* category from ConsentKindVS (required)
* patient 1..1 MS
* dateTime 1..1 MS
* performer 1..1 MS
* performer only Reference(Patient)
* policyRule 1..1 MS
* provision 1..1 MS
* provision.type 1..1 MS
