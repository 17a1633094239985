/**
 * Makes viewer/src/api/review/vocabulary.ts from server/core/vocabulary: the web application shares no code with the
 * server, but the same words. Run it again when those change; a test says when that was forgotten.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { conclusionSets } from '../server/core/vocabulary/conclusions.ts';
import { displays } from '../server/core/vocabulary/displays.ts';
import { scanClasses } from '../server/core/vocabulary/scan-findings.ts';
import { systems } from '../server/core/vocabulary/systems.ts';

export const target = fileURLToPath(new URL('../viewer/src/api/review/vocabulary.ts', import.meta.url));

/** Systems that pages read or search by. */
const shared = [
  'reviewStatus',
  'reviewStep',
  'reviewData',
  'reviewReason',
  'scanFinding',
  'readingConclusion',
  'reportNumber',
  'medicationWarning',
  'studyUid',
] as const;

const { finding } = displays;
/** Of the review, and of an AI that gives no answer. */
const reasons = [
  ...Object.entries(displays.reason),
  ...(['unsupported-modality', 'unsupported-view', 'unsupported-body-part', 'not-like-training-images'] as const).map(
    (code) => [code, finding[code]] as const,
  ),
].map(([code, display]) => [display, code]);

function asLists({ modalities, bodyParts, classes, conclusions }: (typeof conclusionSets)[number]) {
  return {
    modalities: modalities ?? null,
    bodyParts: bodyParts ?? null,
    codes: [
      ...classes.map((code) => ({ system: systems.scanFinding, code, display: displays.finding[code] })),
      ...conclusions.map((code) => ({
        system: systems.readingConclusion,
        code,
        display: displays.conclusion[code],
      })),
    ],
  };
}

export function vocabulary(): string {
  const quoted = (text: string) => `'${text}'`;
  // As the formatter would have it.
  const list = (name: string, values: readonly string[]) => {
    const line = `export const ${name} = [${values.map(quoted).join(', ')}] as const;\n`;
    if (line.length <= 121) return line;
    return `export const ${name} = [\n${values.map((value) => `  ${quoted(value)},\n`).join('')}] as const;\n`;
  };
  const addresses = shared.map((name) => `  ${name}: ${quoted(systems[name])},\n`).join('');
  return [
    '/** Made by scripts/build-vocabulary.ts from the words of the server: not written by hand. */\n',
    `export const systems = {\n${addresses}} as const;\n`,
    list('reviewStatuses', Object.keys(displays.status)),
    list('reviewSteps', Object.keys(displays.step)),
    list('scanClasses', scanClasses),
    '/** What a reader may conclude of which study (server/core/vocabulary/conclusions.ts). */\n' +
      '// prettier-ignore\nexport const conclusionSets = [\n' +
      conclusionSets.map((set) => `  ${JSON.stringify(asLists(set))},\n`).join('') +
      '] as const;\n',
    '/** Why something is so, by the words of it in records: pages say it in their own language. */\n' +
      '// prettier-ignore\nexport const reasonsByDisplay: readonly (readonly [display: string, code: string])[] = [\n' +
      reasons.map((reason) => `  ${JSON.stringify(reason)},\n`).join('') +
      '];\n',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, vocabulary());
