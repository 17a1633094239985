/**
 * Our code systems as FSH, and the value sets of what a reader may conclude, out of server/core/vocabulary: what the
 * server writes and what they say are one list. scripts/build-profiles.ts keeps the file.
 */
import { conclusionSets, conclusionSetUrl, type ConclusionSet } from '../server/core/vocabulary/conclusions.ts';
import { displays } from '../server/core/vocabulary/displays.ts';
import { canonical, systems } from '../server/core/vocabulary/systems.ts';

interface CodeSystem {
  /** FSH name: what profiles call it. */
  name: string;
  url: string;
  title: string;
  description: string;
  codes: Readonly<Record<string, string>>;
}

export const codeSystems: readonly CodeSystem[] = [
  {
    name: 'ReviewStatus',
    url: systems.reviewStatus,
    title: 'Status of a review',
    description: 'Task.businessStatus of a coordination Task.',
    codes: displays.status,
  },
  {
    name: 'ReviewStep',
    url: systems.reviewStep,
    title: 'Steps of a review',
    description: 'Task.code of a step Task.',
    codes: displays.step,
  },
  {
    name: 'ReviewData',
    url: systems.reviewData,
    title: 'Inputs and outputs of a review',
    description: 'Types of Task.input and Task.output, and what some of them say.',
    codes: displays.data,
  },
  {
    name: 'ReviewReason',
    url: systems.reviewReason,
    title: 'Reasons',
    description: 'Task.statusReason and Communication.statusReason.',
    codes: displays.reason,
  },
  {
    name: 'ScanFinding',
    url: systems.scanFinding,
    title: 'Findings in a scan',
    description: 'Classes of the model, parts of its answer, and how a doctor and the model relate.',
    codes: displays.finding,
  },
  {
    name: 'ReadingConclusion',
    url: systems.readingConclusion,
    title: 'Conclusions of a reader',
    description: 'What a doctor may conclude beside the classes of the model.',
    codes: displays.conclusion,
  },
  {
    name: 'ModelVersion',
    url: systems.modelVersion,
    title: 'Versions of a model',
    description: 'Device.version.type of a model.',
    codes: displays.version,
  },
  {
    name: 'ConsentKind',
    url: systems.consentKind,
    title: 'What a patient decides',
    description: 'Consent.category of what patients decide about their own record.',
    codes: displays.consent,
  },
];

export function codeSystemsFsh(): string {
  return ['// Made by scripts/build-profiles.ts from server/core/vocabulary: not written by hand.\n']
    .concat(codeSystems.map(fshOf), conclusionSets.map(conclusionsFsh))
    .join('\n');
}

/** Which study a set is for is said in words: R4's ValueSet has no element for modality and body part. */
function conclusionsFsh(set: ConclusionSet): string {
  const of = (what: string, codes: readonly string[] | undefined) => (codes ? [`${what} ${codes.join(', ')}`] : []);
  const where = [...of('modality', set.modalities), ...of('body part', set.bodyParts)].join('; ') || 'every study';
  return [
    `ValueSet: ReadingConclusion${set.name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    `Id: ${conclusionSetUrl(set).slice(`${canonical}/ValueSet/`.length)}`,
    `Title: ${quoted(`What a reader may conclude: ${set.name.replaceAll('-', ' ')}`)}`,
    `Description: ${quoted(`Codes beside a text, which is always allowed, for ${where}.`)}`,
    '* insert Ours',
    ...set.classes.map((code) => `* ScanFinding#${code}`),
    ...set.conclusions.map((code) => `* ReadingConclusion#${code}`),
    '',
  ].join('\n');
}

function fshOf({ name, url, title, description, codes }: CodeSystem): string {
  return [
    `CodeSystem: ${name}`,
    `Id: ${url.slice(`${canonical}/CodeSystem/`.length)}`,
    `Title: ${quoted(title)}`,
    `Description: ${quoted(description)}`,
    '* insert Ours',
    '* ^caseSensitive = true',
    ...Object.entries(codes).map(([code, display]) => `* #${code} ${quoted(display)}`),
    '',
  ].join('\n');
}

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
