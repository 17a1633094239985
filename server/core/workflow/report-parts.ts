/**
 * What a report is made of, read from the records and held against the signatures: the reading that stands, the
 * addenda below it, the pharmacist's part, the release. Nothing is printed that was not read by this way.
 */
import type { CodeableConcept, DiagnosticReport, Observation, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { Problem } from '../problem.ts';
import { idIn, referenceTo } from '../r4/pointer.ts';
import { sameJson } from '../r4/same-json.ts';
import type { Kept } from '../records/server-write.ts';
import { type ReviewStep, stepOf } from '../vocabulary/review-codes.ts';
import type { Reading, Surroundings } from '../world.ts';
import { amendmentOf, kindOf } from './amendment.ts';
import { wordIn } from './keep-reading.ts';
import { type ReadersWord, wordOfStep } from './readers-word.ts';
import { outputOf, outputsOf } from './review-tasks.ts';
import { mismatch, mustStand, type SignedAct, type Standing } from './signature.ts';
import {
  issuesOfMedication,
  medicationOf,
  prescriptionContent,
  readingContent,
  type ReleaseContent,
} from './signed-content.ts';

export interface SignedWord extends Standing {
  step: Kept<'Task'>;
  word: ReadersWord;
}

export interface PharmacistPart extends Standing {
  step: Kept<'Task'>;
  medication: Kept<'MedicationRequest'>[];
}

export interface ReportParts {
  reading: SignedWord;
  addenda: SignedWord[];
  pharmacist: PharmacistPart | undefined;
}

/** What is read: the review's Tasks and its report. */
export interface ReviewRecords {
  coordination: Kept<'Task'>;
  steps: readonly Kept<'Task'>[];
  report: DiagnosticReport;
}

type House = Pick<Surroundings, 'signer'>;
type Records = Pick<Reading, 'records'>;

/**
 * @param amendment the amendment that is to be released; its words are in its step and nowhere else yet.
 * @throws Problem `conflict` without a reading; signature-mismatch (`isMismatch`).
 */
export async function reportParts(
  house: House,
  stores: Records,
  records: ReviewRecords,
  amendment: Kept<'Task'> | undefined,
): Promise<ReportParts> {
  const standing = await standingParts(house, stores, records);
  if (!amendment) return standing;
  const word = wordOfStep(amendment);
  const fresh = { step: amendment, word, ...(await signedWord(house, stores, amendment, word)) };
  if (kindOf(amendment) === 'addendum') return { ...standing, addenda: [...standing.addenda, fresh] };
  const prescribed = lastOf(records.steps, 'pharmacist-review', (step) => isFor(step, amendment));
  return {
    ...standing,
    reading: fresh,
    pharmacist: prescribed ? await pharmacistPart(house, stores, prescribed) : standing.pharmacist,
  };
}

/** What the records say now: what is released, or in a first review what is going to be. */
async function standingParts(house: House, stores: Records, records: ReviewRecords): Promise<ReportParts> {
  const { coordination, steps, report } = records;
  const counts = steps.filter((step) => step.status === 'completed' && isSettled(step, steps));
  const read = counts.findLast((step) => isReading(step));
  if (!read) throw new Problem('conflict', 'The review has no reading yet.');
  const word = await wordOf(stores, coordination);
  const reading = { step: read, word, ...(await signedWord(house, stores, read, word)) };
  const addenda: SignedWord[] = [];
  for (const step of counts.filter((one) => stepOf(one.code) === 'report-amendment' && kindOf(one) === 'addendum')) {
    const added = await wordOf(stores, step);
    addenda.push({ step, word: added, ...(await signedWord(house, stores, step, added)) });
  }
  const prescribed = counts.findLast((step) => stepOf(step.code) === 'pharmacist-review');
  const pharmacist = prescribed && (await pharmacistPart(house, stores, prescribed));
  const parts = { reading, addenda, pharmacist };
  mustSay(report, parts);
  return parts;
}

/** The words of the Observations that a Task names as its result. */
async function wordOf({ records }: Records, task: Task): Promise<ReadersWord> {
  const observation = async (type: 'clinical-finding' | 'concordance'): Promise<Observation | undefined> => {
    const id = idIn(outputOf(task, type), 'Observation');
    return id === undefined
      ? undefined
      : ((await records.read('Observation', id, everything))?.resource as Observation | undefined);
  };
  const finding = await observation('clinical-finding');
  if (!finding) throw new Problem('conflict', 'The review refers to an Observation that is not there.');
  return wordIn(finding, await observation('concordance'));
}

async function signedWord(house: House, stores: Records, step: Kept<'Task'>, word: ReadersWord): Promise<Standing> {
  return mustStand(house, stores, signedActOf(step), step, await readingContent(stores, step, word));
}

/** By what act a reading step was signed. */
export function signedActOf(step: Task): SignedAct {
  if (stepOf(step.code) !== 'report-amendment') return 'verify';
  return kindOf(step) === 'addendum' ? 'addendum' : 'amend';
}

async function pharmacistPart(house: House, stores: Records, step: Kept<'Task'>): Promise<PharmacistPart> {
  const medication = await medicationOf(stores, step);
  const content = prescriptionContent(step, medication, await issuesOfMedication(stores, medication));
  const standing = await mustStand(house, stores, 'prescribe', step, content);
  return { step, medication, ...standing };
}

function isReading(step: Task): boolean {
  const code = stepOf(step.code);
  return code === 'physician-verification' || (code === 'report-amendment' && kindOf(step) !== 'addendum');
}

/** Of the first review, or of an amendment that was released. */
function isSettled(step: Task, steps: readonly Kept<'Task'>[]): boolean {
  if (stepOf(step.code) === 'report-amendment') return isReleased(step);
  const amendment = amendmentOf(step);
  return !amendment || steps.some((one) => referenceTo(one).reference === amendment.reference && isReleased(one));
}

/** An amendment names the document that it was released in. */
export function isReleased(amendment: Task): boolean {
  return outputsOf(amendment, 'document').length > 0;
}

/** Whether a step brings this amendment on its way; of the first review without one. */
export function isFor(step: Task, amendment: Task | undefined): boolean {
  return amendmentOf(step)?.reference === (amendment && referenceTo(amendment).reference);
}

export function lastOf<Step extends Task>(
  steps: readonly Step[],
  code: ReviewStep,
  suits: (step: Step) => boolean,
): Step | undefined {
  return steps.findLast((step) => stepOf(step.code) === code && step.status === 'completed' && suits(step));
}

/** The text of a report: an addendum stands below what was signed before it, and names itself. */
export function conclusionText({ reading, addenda }: Pick<ReportParts, 'reading' | 'addenda'>): string {
  const below = addenda.map(({ step, word }, place) => {
    const day = (step.executionPeriod?.end ?? step.lastModified ?? '').slice(0, 10);
    return `Addendum ${place + 1} of ${day}:\n${word.text}`;
  });
  return [reading.word.text, ...below].join('\n\n');
}

export function conclusionCodes({ reading, addenda }: Pick<ReportParts, 'reading' | 'addenda'>): CodeableConcept[] {
  return [reading, ...addenda].flatMap(({ word }) => word.conclusion ?? []);
}

/** The report itself says what its parts say. A reading from before contents were signed has its codes elsewhere. */
function mustSay(report: DiagnosticReport, parts: ReportParts): void {
  const codes = parts.reading.digest === undefined || sameJson(report.conclusionCode ?? [], conclusionCodes(parts));
  if (report.conclusion !== conclusionText(parts) || !codes) throw mismatch(signedActOf(parts.reading.step));
}

/** Whether reader and model differ in what is going to be released. */
export function isDiscordant({ reading, addenda }: ReportParts): boolean {
  return [reading, ...addenda].some(({ word }) => word.concordance === 'disagree');
}

export function releaseContent(parts: ReportParts, approval: Task): ReleaseContent {
  return {
    readings: [parts.reading, ...parts.addenda].map(({ digest }) => digest ?? null),
    prescription: parts.pharmacist?.digest ?? null,
    conclusion: conclusionText(parts),
    codes: conclusionCodes(parts),
    discordanceConfirmed: confirmsDiscordance(approval),
  };
}

export function confirmsDiscordance(approval: Task): boolean {
  return outputsOf(approval, 'discordance-confirmed').at(-1)?.valueBoolean === true;
}
