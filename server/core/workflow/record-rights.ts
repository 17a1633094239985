/**
 * Who may write what, when: one table for every record that a review rests on, and for what people add beside it.
 *
 * It narrows what scope and role allow (`core/access`), never widens it, and holds for create, update, patch, their
 * conditional forms, Bundles and delete alike (`keep-records.ts` asks it before anything is stored). The server's own
 * writes, the consequences of a step among them, are not asked. A right to see more in an emergency could only be one
 * to read: there is no row that it could change.
 */
import type { ReviewStatus } from '../vocabulary/review-codes.ts';

/** Who writes: the roles of people, and backend services, of whatever scope. */
export type Actor = 'doctor' | 'pharmacist' | 'admin' | 'patient' | 'service';

/** `own`: in one's own name only (own-name.ts says by which element). Who is not named may not. */
export type May = Readonly<Partial<Record<Actor, 'yes' | 'own'>>>;

export interface Row {
  /** What it is, for the message of a refusal. */
  what: string;
  create: May;
  change: May;
  remove: May;
  /** What to do instead; `by-state` where that depends on how far the review is (`nextInState`). */
  instead: string;
}

const nobody: May = {};
const staffInOwnName: May = { doctor: 'own', pharmacist: 'own', admin: 'own', service: 'own' };

const unchanged = (what: string, instead: string): Row => ({
  what,
  create: nobody,
  change: nobody,
  remove: nobody,
  instead,
});

/**
 * A record is the first kind of this list that it, or what is to be made of it, belongs to. The rows of a review hold in
 * every state of it, from the arrival of the images to long after the release; only what can be done instead differs.
 */
export const recordRights = {
  // Of a review: the workflow's.
  'ai-result': unchanged(
    'a result of the AI',
    'It is written by the analysis only. A doctor who reads the image otherwise says so in the step physician-verification.',
  ),
  'review-reading': unchanged("a doctor's reading of a review", 'by-state'),
  'review-report': unchanged('the report of a reviewed study', 'by-state'),
  'report-document': unchanged('the document of a released report', 'by-state'),
  'review-content': unchanged('the content of a heat map or a released report', 'by-state'),
  'review-medication': unchanged('medication of a review', 'by-state'),
  'review-issue': unchanged('what a prescription of a review was warned of', 'by-state'),
  'delivery': unchanged('the proof of a delivery', 'It is written when the message is sent, and kept for ever.'),
  'review-task': unchanged(
    'a Task of a review',
    'Tasks of a review are made by the server, and a review ends by its steps: write the status of the open step.',
  ),
  'review-order': unchanged('whose an order under review is', 'The order follows its study: POST ImagingStudy/{id}/$move.'),
  'patient-decision': unchanged(
    'what a patient has decided about the own record',
    'The patient decides it, on the own page (PUT /portal/me/consents/{kind}).',
  ),
  // Of the server.
  'registered-study': {
    what: 'an ImagingStudy',
    create: { doctor: 'yes', service: 'yes' },
    change: { doctor: 'yes', service: 'yes' },
    remove: { service: 'yes' },
    instead: 'Images are sent by STOW-RS (/dicomweb/studies); their ImagingStudy follows by itself.',
  },
  'stored-study': unchanged(
    'what the images of a study say',
    'It follows from the stored images: send images by STOW-RS (/dicomweb/studies), move a study to another patient ' +
      'by POST ImagingStudy/{id}/$move, remove one by DELETE /dicomweb/studies/{uid}.',
  ),
  'server-id': unchanged(
    'a record under an id of the form that the server derives (UUID version 8)',
    'Choose another id, or let the server choose one (POST).',
  ),
  'own-endpoint': unchanged(
    "the address of this server's images",
    'It follows from the setting PUBLIC_URL, because viewers send their tokens there. Another archive is another Endpoint.',
  ),
  // What people and systems add, under their own name.
  'provenance': { ...unchanged('a Provenance', 'It is added in your own name, and never changed or removed.'), create: staffInOwnName },
  'ai-result-of-others': {
    what: 'a result that is labelled as asserted by an AI (AIAST)',
    create: { service: 'yes' },
    change: { service: 'yes' },
    remove: { service: 'yes' },
    instead: 'Only software writes it, as a service, with its own Device. A person adds a record without the label.',
  },
  'observation': {
    what: 'an Observation',
    create: { doctor: 'own', service: 'yes' },
    change: { doctor: 'own', service: 'yes' },
    remove: { service: 'yes' },
    instead: 'A doctor adds Observations with performer = the doctor; one of somebody else is answered by one of your own.',
  },
  'report': {
    what: 'a DiagnosticReport',
    create: { doctor: 'own', service: 'yes' },
    change: { doctor: 'own', service: 'yes' },
    remove: { service: 'yes' },
    instead: 'A doctor adds reports with performer = the doctor; one of somebody else is answered by one of your own.',
  },
  'medication-proposal': {
    what: 'a proposal of medication (intent proposal, status draft)',
    create: { doctor: 'own', pharmacist: 'own', service: 'yes' },
    change: { doctor: 'own', pharmacist: 'own', service: 'yes' },
    remove: { service: 'yes' },
    instead: 'Proposals are made and withdrawn with requester = yourself.',
  },
  'medication-order': {
    what: 'a MedicationRequest that is more than a draft proposal',
    create: { doctor: 'own', service: 'yes' },
    change: { doctor: 'own', service: 'yes' },
    remove: { service: 'yes' },
    instead: 'A prescriber (doctor) orders, with requester = the doctor. A pharmacist proposes: intent proposal, status draft.',
  },
  'signed-record': {
    what: 'a record that names its author',
    create: { ...staffInOwnName, service: 'yes' },
    change: { ...staffInOwnName, service: 'yes' },
    remove: { doctor: 'yes', pharmacist: 'yes', admin: 'yes', service: 'yes' },
    instead: 'Nobody writes in the name of another person: name yourself as the author.',
  },
} as const satisfies Record<string, Row>; // prettier-ignore

export type RecordKind = keyof typeof recordRights;

/** What changes the words of a review in each of its states: the other half of "when". */
export const nextInState: Readonly<Record<ReviewStatus, string>> = {
  PENDING_AI: 'End the step ai-inference (or go on without it), then write in the step physician-verification.',
  AI_ANALYZED: 'Write in the step physician-verification.',
  AI_SKIPPED: 'Write in the step physician-verification.',
  RETURNED: 'Write in the step physician-verification.',
  DOCTOR_VERIFIED: 'The reader amends it (POST Task/{id}/$amend), or the step pharmacist-review sends it back.',
  PHARMACIST_COMPLETED: 'The step release-approval sends it back, with a reason.',
  REPORT_READY:
    'A released report is amended by POST Task/{id}/$addendum; one that is wrong as a whole by POST Task/{id}/$retract.',
  REJECTED: 'The review has ended: new images of the patient open another.',
  CANCELLED: 'The review was cancelled, and what it holds stays as it is.',
  RETRACTED: 'The review was entered in error, and what it holds stays as it is.',
};
