/**
 * Makes viewer/src/api/medication/dose-text.ts from server/core/medications/dose-text.ts: the web application shares no
 * code with the server, but a dose has to read the same on the page and in the record. Run it again when that changes;
 * a test says when that was forgotten.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../server/core/medications/dose-text.ts', import.meta.url));
export const doseTextTarget = fileURLToPath(new URL('../viewer/src/api/medication/dose-text.ts', import.meta.url));

export function doseTextOfViewer(): string {
  return `/** Made by scripts/build-dose-text.ts from server/core/medications/dose-text.ts: not written by hand. */\n\n${readFileSync(source, 'utf8')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(doseTextTarget, doseTextOfViewer());
