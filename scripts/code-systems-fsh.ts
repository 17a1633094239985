/**
 * Our code systems as FSH, out of server/core/vocabulary: what the server writes and what its CodeSystems say are one
 * list. scripts/build-profiles.ts keeps the file.
 */
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
    name: 'ModelVersion',
    url: systems.modelVersion,
    title: 'Versions of a model',
    description: 'Device.version.type of a model.',
    codes: displays.version,
  },
];

export function codeSystemsFsh(): string {
  return ['// Made by scripts/build-profiles.ts from server/core/vocabulary: not written by hand.\n']
    .concat(codeSystems.map(fshOf))
    .join('\n');
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
