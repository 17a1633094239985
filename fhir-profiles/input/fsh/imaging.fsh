Invariant: study-uid
Description: "A Study Instance UID as FHIR carries it: urn:oid: and at most 64 characters"
Severity: #error
Expression: "matches('^urn:oid:[0-2]([.](0|[1-9][0-9]*))+$') and length() <= 72"

Invariant: study-images
Description: "A study that is available has images"
Severity: #error
Expression: "status = 'available' implies (modality.exists() and series.exists())"

Invariant: endpoint-token
Description: "The endpoint says that it asks for an access token (SMART Imaging Access)"
Severity: #error
Expression: "extension.where(url = 'http://hl7.org/fhir/smart-app-launch/StructureDefinition/requires-access-token').value.exists()"

Profile: DicomwebEndpoint
Parent: Endpoint
Id: dicomweb-endpoint
Title: "Where the images are"
Description: "The DICOMweb base of this server; the access token of FHIR opens it too."
* insert Ours
* obeys endpoint-token
* status MS
* connectionType = $Endpoint#dicom-wado-rs
* connectionType MS
* payloadMimeType 1..* MS
* managingOrganization MS
* address MS

Profile: ReviewedImagingStudy
Parent: ImagingStudy
Id: imaging-study
Title: "Imaging study"
Description: "Follows from the images that are stored: subject, series, instances and counts are the server's; description, order and reasons may be people's."
* insert Ours
* obeys study-images
* identifier 1..* MS
* identifier ^slicing.discriminator.type = #value
* identifier ^slicing.discriminator.path = "system"
* identifier ^slicing.rules = #open
* identifier contains studyUid 1..1 MS
* identifier[studyUid].system 1..1
* identifier[studyUid].system = "urn:dicom:uid"
* identifier[studyUid].value 1..1
* identifier[studyUid].value obeys study-uid
* status MS
* modality MS
* subject only Reference(Patient)
* subject MS
* started MS
* basedOn MS
* referrer MS
* interpreter MS
* endpoint 1..* MS
* endpoint only Reference(DicomwebEndpoint)
* numberOfSeries 1..1 MS
* numberOfInstances 1..1 MS
* procedureCode MS
* reasonCode MS
* description MS
* series MS
* series.uid MS
* series.number MS
* series.modality MS
* series.description MS
* series.numberOfInstances 1..1 MS
* series.bodySite MS
* series.laterality MS
* series.started MS
* series.performer MS
* series.instance MS
* series.instance.uid MS
* series.instance.sopClass MS
* series.instance.number MS

Profile: ImagingOrder
Parent: ServiceRequest
Id: imaging-order
Title: "Order of an imaging study"
Description: "What a review answers. Where nobody ordered the study, the server writes a self-referral."
* insert Ours
* identifier 1..* MS
* identifier ^slicing.discriminator.type = #pattern
* identifier ^slicing.discriminator.path = "type"
* identifier ^slicing.rules = #open
* identifier contains accession 1..1 MS
* identifier[accession].type 1..1
* identifier[accession].type = $IdType#ACSN
* identifier[accession].value 1..1
* status MS
* intent = #order
* intent MS
* category 1..* MS
* category = $Service#RAD
* priority MS
* code 1..1 MS
* subject only Reference(Patient)
* subject MS
* requester 1..1 MS
* authoredOn 1..1 MS
* reasonCode MS
* bodySite MS
