RuleSet: SearchParameter(code, type)
* url = "https://csss.example/fhir/SearchParameter/{code}"
* status = #active
* experimental = false
* publisher = "The CSSS authors"
* date = "2026-11-27"
* type = #{type}
* xpathUsage = #normal

Instance: DiagnosticReport-imaging-study
InstanceOf: SearchParameter
Usage: #definition
* insert SearchParameter(DiagnosticReport-imaging-study, reference)
* name = "DiagnosticReportImagingStudy"
* description = "The study that a report is about. IHE IMR defines this one too."
* code = #imaging-study
* base = #DiagnosticReport
* expression = "DiagnosticReport.imagingStudy"
* target = #ImagingStudy

Instance: Binary-security-context
InstanceOf: SearchParameter
Usage: #definition
* insert SearchParameter(Binary-security-context, reference)
* name = "BinarySecurityContext"
* description = "The record whose readers may read the Binary."
* code = #security-context
* base = #Binary
* expression = "Binary.securityContext"

Instance: instance-uid
InstanceOf: SearchParameter
Usage: #definition
* insert SearchParameter(instance-uid, token)
* name = "InstanceUid"
* description = "SOP Instance UID of the image that a result was read from, or that a picture lies over."
* code = #instance-uid
* base[0] = #Observation
* base[1] = #Media
* expression = "Observation.extension.where(url='https://csss.example/fhir/StructureDefinition/instance-uid').value | Media.extension.where(url='https://csss.example/fhir/StructureDefinition/instance-uid').value"

Instance: ImagingStudy-modality
InstanceOf: SearchParameter
Usage: #definition
* insert SearchParameter(ImagingStudy-modality, token)
* name = "ImagingStudyModality"
* description = "The modality of a series, or of the study as a whole: a large study may leave its series out."
* derivedFrom = "http://hl7.org/fhir/SearchParameter/ImagingStudy-modality"
* code = #modality
* base = #ImagingStudy
* expression = "ImagingStudy.series.modality | ImagingStudy.modality"

Instance: Task-output
InstanceOf: SearchParameter
Usage: #definition
* insert SearchParameter(Task-output, reference)
* name = "TaskOutput"
* description = "What a Task brought about."
* code = #output
* base = #Task
* expression = "Task.output.value.ofType(Reference)"
