/** What a human is asked about images: whose they are. */
export interface IdentityQuestion {
  StudyInstanceUID: string;
  /** Of the study, once it has one. */
  imagingStudyId?: string;
  /** FHIR id of the Patient whom the images, or those of their study, lie under now. */
  patientId?: string;
  /** FHIR ids of further Patients who may be meant. */
  candidates: readonly string[];
  /** How many images of the study wait for the answer; absent when they are stored, under a Patient made for them. */
  held?: number;
  /** Who the images say they are of, and why that is asked, in words for staff. */
  says: readonly string[];
}

/** Asks it, in the transaction in which the question came up; what is asked already is not asked twice. */
export type AskWhose<Context> = (context: Context, question: IdentityQuestion) => Promise<void>;
