RuleSet: Operation(type, name, title)
* url = "https://csss.example/fhir/OperationDefinition/{type}-{name}"
* title = "{title}"
* status = #active
* experimental = false
* publisher = "The CSSS authors"
* date = "2026-11-27"
* kind = #operation
* affectsState = true
* code = #{name}
* resource = #{type}
* system = false

RuleSet: OnInstance
* type = false
* instance = true

RuleSet: OnType
* type = true
* instance = false

RuleSet: In(n, name, min, max, type, documentation)
* parameter[{n}].name = #{name}
* parameter[{n}].use = #in
* parameter[{n}].min = {min}
* parameter[{n}].max = "{max}"
* parameter[{n}].type = #{type}
* parameter[{n}].documentation = "{documentation}"

RuleSet: Out(n, name, min, type, documentation)
* parameter[{n}].name = #{name}
* parameter[{n}].use = #out
* parameter[{n}].min = {min}
* parameter[{n}].max = "1"
* parameter[{n}].type = #{type}
* parameter[{n}].documentation = "{documentation}"

Instance: Patient-merge
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(Patient, merge, Merge two patients)
* insert OnType
* name = "PatientMerge"
* description = "Two records are of one person: the source gives its studies, reviews and reports to the target and says that it is replaced. The parameters are those of FHIR R6."
* insert In(0, source-patient, 0, 1, Reference, [[The record that is given up. This or its identifier.]])
* insert In(1, source-patient-identifier, 0, *, Identifier, [[Names the record that is given up.]])
* insert In(2, target-patient, 0, 1, Reference, [[The record that stays. This or its identifier.]])
* insert In(3, target-patient-identifier, 0, *, Identifier, [[Names the record that stays.]])
* insert In(4, result-patient, 0, 1, Patient, [[The target as it is to be after the merge.]])
* insert In(5, preview, 0, 1, boolean, [[True: says what would happen and changes nothing.]])
* insert Out(6, input, 1, Parameters, [[The parameters as they were sent.]])
* insert Out(7, outcome, 1, OperationOutcome, [[What was done.]])
* insert Out(8, result, 0, Patient, [[The target after the merge.]])

Instance: Patient-unmerge
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(Patient, unmerge, Undo a merge)
* insert OnInstance
* name = "PatientUnmerge"
* description = "The records were not of one person: the source, at whose address this is asked, gets back what the merge took from it."
* insert In(0, reason, 1, 1, string, [[Why, in words.]])
* insert Out(1, outcome, 1, OperationOutcome, [[What was done, and what stays with the target.]])
* insert Out(2, result, 1, Patient, [[The source as it is again.]])

Instance: ImagingStudy-move
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(ImagingStudy, move, Give a study to another patient)
* insert OnInstance
* name = "ImagingStudyMove"
* description = "The images are of another person. What was said about them is entered in error and withdrawn, and the right person's review starts."
* insert In(0, patient, 1, 1, Reference, [[Whose the images are.]])
* insert In(1, reason, 1, 1, string, [[Why, in words.]])
* insert Out(2, return, 1, ImagingStudy, [[The study with its new subject.]])
* insert Out(3, review, 0, Reference, [[The coordination Task of the right person's review.]])
* insert Out(4, outcome, 1, OperationOutcome, [[What was done.]])

Instance: ImagingStudy-complete
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(ImagingStudy, complete, Say that a study is complete)
* insert OnInstance
* name = "ImagingStudyComplete"
* description = "All images are there: the quiet time that the server waits for more ends at once."
* insert Out(0, return, 1, ImagingStudy, [[The study.]])

Instance: Task-amend
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(Task, amend, Take a reading back to change it)
* insert OnInstance
* name = "TaskAmend"
* description = "On a coordination Task, before the pharmacist has begun: the review returns to the doctor, who reads anew."
* insert In(0, reason, 1, 1, string, [[Why, in words.]])
* insert Out(1, return, 1, Task, [[The fresh verification step.]])

Instance: Task-addendum
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(Task, addendum, Change a released report)
* insert OnInstance
* name = "TaskAddendum"
* description = "On the coordination Task of a released review: an amendment is owed. The released report stays until the new one is released."
* insert In(0, kind, 0, 1, code, [[addendum (if nothing is said), correction or amendment.]])
* parameter[0].binding.strength = #required
* parameter[0].binding.valueSet = "https://csss.example/fhir/ValueSet/amendment-kind"
* insert In(1, reason, 1, 1, string, [[Why, in words.]])
* insert Out(2, return, 1, Task, [[The amendment step.]])

Instance: Task-cancel
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(Task, cancel, Cancel a review)
* insert OnInstance
* name = "TaskCancel"
* description = "On a coordination Task before the release: the review ends without a report."
* insert In(0, reason, 1, 1, string, [[Why, in words.]])
* insert Out(1, return, 1, Task, [[The coordination Task.]])

Instance: Task-retract
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(Task, retract, Withdraw a review)
* insert OnInstance
* name = "TaskRetract"
* description = "On a coordination Task: everything that was said in the review is entered in error and kept from the patient again."
* insert In(0, reason, 1, 1, string, [[Why, in words.]])
* insert Out(1, return, 1, Task, [[The coordination Task.]])

Instance: ImagingStudy-restore
InstanceOf: OperationDefinition
Usage: #definition
* insert Operation(ImagingStudy, restore, Bring back a study that was removed)
* insert OnInstance
* name = "ImagingStudyRestore"
* description = "Images that were removed and are not yet purged come back."
* insert In(0, reason, 1, 1, string, [[Why, in words.]])
* insert In(1, series, 0, 1, oid, [[Series Instance UID: this series only.]])
* insert In(2, instance, 0, 1, oid, [[SOP Instance UID: this image only.]])
* insert In(3, rejected, 0, 1, boolean, [[True: what rejection notes said is taken back too.]])
* insert Out(4, return, 1, ImagingStudy, [[The study.]])
