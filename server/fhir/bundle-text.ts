/** Bundles as text: their entries are the text that is stored, and a page of them is never parsed. */
import type { Bundle } from '@medplum/fhirtypes';
import type { Answer } from './exchange.ts';

/** A Bundle whose entries are text already. */
export function bundleText(bundle: Bundle, entries: readonly string[]): string {
  const head = JSON.stringify(bundle);
  return entries.length === 0 ? head : `${head.slice(0, -1)},"entry":[${entries.join(',')}]}`;
}

/** The answer that is such a Bundle. */
export function bundleAnswer(json: string): Answer {
  return {
    status: 200,
    json,
    get resource() {
      return JSON.parse(json) as Bundle; // for a Bundle that takes it in, and for printing it with line ends
    },
    headers: { 'Cache-Control': 'no-store' },
  };
}
