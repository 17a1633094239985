/**
 * What a patient sees of a review before and after the report is released. Until then a result is a draft of the
 * people who check it, whoever made it: an AI finding must not reach the patient unread.
 *
 * Two locks, either of which is enough. Whatever carries the label NOPAT is withheld, of any type: the workflow puts
 * it on and takes it off. And results hang on their DiagnosticReport, because release is the moment when that becomes
 * final (the AI's own Observation turns final earlier, when the doctor has verified it); this holds too for results
 * that other systems write without the label.
 */
import type { ResourceType } from '@medplum/fhirtypes';
import type { SearchCondition } from '../search/search-query.ts';

/** Of a DiagnosticReport that a patient may read. */
export const releasedStatus: string[] = ['final', 'amended', 'corrected', 'appended'];
const released: SearchCondition = { parameter: 'status', values: releasedStatus };
const notReleased: SearchCondition = { parameter: 'status', modifier: 'not', values: releasedStatus };
/** meta.security, v3-ObservationValue: Artificial Intelligence asserted. */
const notByAi: SearchCondition = { parameter: '_security', modifier: 'not', values: ['AIAST'] };
const settled: SearchCondition = { parameter: 'status', values: [...releasedStatus, 'completed'] };

const inReleasedReport = (reference: string): SearchCondition => ({
  parameter: '_has',
  values: [],
  has: { type: 'DiagnosticReport', reference, condition: released },
});
const inNoDraft = (reference: string): SearchCondition => ({
  parameter: '_has',
  modifier: 'not',
  values: [],
  has: { type: 'DiagnosticReport', reference, condition: notReleased },
});

/** Either part of a released report, or settled, made by a person, and in no report that is still a draft. */
const results = (reference: string): SearchCondition[][] => [
  [inReleasedReport(reference)],
  [settled, notByAi, inNoDraft(reference)],
];

/**
 * Under which a record makes the practitioners, devices and places that it names visible. Simpler than `releasedOnly`,
 * because it is asked on the way to something else and every subquery costs planning time: who reads a scan may be
 * known before the report is out, that an AI did may not.
 */
export const sharingOnly: Partial<Record<ResourceType, SearchCondition[][]>> = {
  DiagnosticReport: [[released]],
  Observation: [[notByAi], [inReleasedReport('result')]],
  Media: [[notByAi], [inReleasedReport('media')]],
  Task: [[{ parameter: 'part-of', modifier: 'missing', values: ['true'] }]],
};

const contextOf = (type: ResourceType, conditions: SearchCondition[]): SearchCondition[] =>
  conditions.map((condition) => ({ parameter: 'security-context', values: [], chain: { type, condition } }));

/** Resource type -> alternatives (ORed) of conditions (ANDed) under which a record of the own compartment is shown. */
export const releasedOnly: Partial<Record<ResourceType, SearchCondition[][]>> = {
  DiagnosticReport: [[released]],
  Observation: results('result'),
  Media: results('media'),
  // Step tasks carry the doctor's and the pharmacist's notes; the coordination task tells how far the scan is.
  Task: [[{ parameter: 'part-of', modifier: 'missing', values: ['true'] }]],
  // Drafts are the pharmacist's; release makes them active.
  MedicationRequest: [[{ parameter: 'status', modifier: 'not', values: ['draft'] }]],
  // As visible as what it belongs to.
  Binary: [
    [{ parameter: 'security-context', modifier: 'Patient', values: [] }],
    contextOf('DiagnosticReport', [released]),
    contextOf('DocumentReference', [{ parameter: 'status', values: ['current'] }]),
    ...results('result').map((conditions) => contextOf('Observation', conditions)),
    ...results('media').map((conditions) => contextOf('Media', conditions)),
  ],
};
