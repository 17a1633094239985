ValueSet: ReviewStatusVS
Id: review-status
Title: "Status of a review"
Description: "Where a review is (Task.businessStatus of its coordination Task)."
* insert Ours
* include codes from system ReviewStatus

ValueSet: ReviewStepVS
Id: review-step
Title: "Steps of a review"
Description: "What a step Task asks for (Task.code)."
* insert Ours
* ReviewStep#ai-inference
* ReviewStep#physician-verification
* ReviewStep#pharmacist-review
* ReviewStep#release-approval
* ReviewStep#report-delivery
* ReviewStep#report-amendment

ValueSet: ReviewDataVS
Id: review-data
Title: "Inputs and outputs of a review"
Description: "Types of Task.input and Task.output."
* insert Ours
* include codes from system ReviewData

ValueSet: ReviewReasonVS
Id: review-reason
Title: "Reasons"
Description: "Why a step or a message ended as it did."
* insert Ours
* include codes from system ReviewReason

ValueSet: IdentityDecisionVS
Id: identity-decision
Title: "Decisions about the identity of images"
Description: "How a check of the identity ends."
* insert Ours
* ReviewData#same-person
* ReviewData#another-person
* ReviewData#accept
* ReviewData#discard

ValueSet: AiAnswerVS
Id: ai-answer
Title: "Answers of the AI"
Description: "A class of the model, Uncertain or Unsupported."
* insert Ours
* ScanFinding#COVID
* ScanFinding#Lung_Opacity
* ScanFinding#NIH_MERGED
* ScanFinding#Normal
* ScanFinding#Sick
* ScanFinding#Viral_Pneumonia
* ScanFinding#Uncertain
* ScanFinding#Unsupported

ValueSet: AiComponentVS
Id: ai-component
Title: "Parts of an answer of the AI"
Description: "The classes with their probabilities, and what the answer stands on."
* insert Ours
* ScanFinding#COVID
* ScanFinding#Lung_Opacity
* ScanFinding#NIH_MERGED
* ScanFinding#Normal
* ScanFinding#Sick
* ScanFinding#Viral_Pneumonia
* ScanFinding#threshold
* ScanFinding#refusal
* ScanFinding#class-index
* ScanFinding#model-digest
* ScanFinding#runtime
* ScanFinding#duration

ValueSet: AiRefusalVS
Id: ai-refusal
Title: "Why the AI gives no class"
Description: "What is outside the intended use of the model."
* insert Ours
* ScanFinding#unsupported-modality
* ScanFinding#unsupported-view
* ScanFinding#unsupported-body-part
* ScanFinding#not-like-training-images

ValueSet: ConcordanceVS
Id: concordance
Title: "Agreement of doctor and AI"
Description: "How the doctor's reading and the AI's relate."
* insert Ours
* ScanFinding#agree
* ScanFinding#partly
* ScanFinding#disagree

ValueSet: ModelVersionVS
Id: model-version
Title: "Versions of a model"
Description: "What a version of a model's Device tells."
* insert Ours
* include codes from system ModelVersion

ValueSet: ReviewContentTypeVS
Id: review-content-type
Title: "Content of a Binary of a review"
Description: "A report or a heat map."
* insert Ours
* urn:ietf:bcp:13#application/pdf
* urn:ietf:bcp:13#image/jpeg

ValueSet: ReviewAgentVS
Id: review-agent
Title: "Who takes part in a step"
Description: "A person who wrote, a model that performed, a program that put together."
* insert Ours
* $Agent#author
* $Agent#performer
* $Agent#assembler
* $Agent#verifier
* $Agent#attester
* $Agent#enterer

ValueSet: AmendmentKindVS
Id: amendment-kind
Title: "Kinds of amendment"
Description: "How a released report is changed."
* insert Ours
* ReviewData#addendum
* ReviewData#correction
* ReviewData#amendment

ValueSet: ReadingConclusionVS
Id: reading-conclusion
Title: "What a reader may conclude"
Description: "Of all studies; for one study the sets by modality and body part, reading-conclusion-*. A text is always allowed."
* insert Ours
* ScanFinding#Normal
* ScanFinding#Lung_Opacity
* ScanFinding#Viral_Pneumonia
* ScanFinding#COVID
* ScanFinding#Sick
* include codes from system ReadingConclusion

ValueSet: ConsentKindVS
Id: consent-kind
Title: "What a patient decides"
Description: "All kinds of decisions."
* insert Ours
* include codes from system ConsentKind
