Alias: $DCM = http://dicom.nema.org/resources/ontology/DCM
Alias: $SCT = http://snomed.info/sct
Alias: $LNC = http://loinc.org
Alias: $UCUM = http://unitsofmeasure.org
Alias: $Endpoint = http://terminology.hl7.org/CodeSystem/endpoint-connection-type
Alias: $IdType = http://terminology.hl7.org/CodeSystem/v2-0203
Alias: $Service = http://terminology.hl7.org/CodeSystem/v2-0074
Alias: $ObservationValue = http://terminology.hl7.org/CodeSystem/v3-ObservationValue
Alias: $ActCode = http://terminology.hl7.org/CodeSystem/v3-ActCode
Alias: $ObservationCategory = http://terminology.hl7.org/CodeSystem/observation-category
Alias: $Interpretation = http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation
Alias: $TaskCode = http://hl7.org/fhir/CodeSystem/task-code
Alias: $Mode = http://terminology.hl7.org/CodeSystem/v3-ParticipationMode
Alias: $Operation = http://terminology.hl7.org/CodeSystem/v3-DataOperation
Alias: $Agent = http://terminology.hl7.org/CodeSystem/provenance-participant-type

// What every definition of ours says of itself.
RuleSet: Ours
* ^publisher = "The CSSS authors"
* ^experimental = false
* ^date = "2026-11-27"

// Kept from the patient until the review is released; a label that the release takes off.
RuleSet: Withheld
* meta 1..1
* meta.security 1..* MS
* meta.security ^slicing.discriminator.type = #pattern
* meta.security ^slicing.discriminator.path = "$this"
* meta.security ^slicing.rules = #open
* meta.security contains withheld 1..1 MS
* meta.security[withheld] = $ActCode#NOPAT

// A model wrote it: for ever.
RuleSet: ByTheAI
* meta 1..1
* meta.security 1..* MS
* meta.security ^slicing.discriminator.type = #pattern
* meta.security ^slicing.discriminator.path = "$this"
* meta.security ^slicing.rules = #open
* meta.security contains aiAsserted 1..1 MS
* meta.security[aiAsserted] = $ObservationValue#AIAST

RuleSet: ByType(element)
* {element} ^slicing.discriminator.type = #pattern
* {element} ^slicing.discriminator.path = "type"
* {element} ^slicing.rules = #open

RuleSet: Reference(element, name, code, min, max, type)
* {element} contains {name} {min}..{max} MS
* {element}[{name}].type = ReviewData#{code}
* {element}[{name}].value[x] only Reference({type})
