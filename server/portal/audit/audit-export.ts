import { Readable } from 'node:stream';
import { auditEventOf, type AuditSite } from '../../core/access/audit-event.ts';
import type { AuditFilter, AuditPlace, NamedAuditRecord } from '../../core/access/audit-log.ts';
import type { ReadsFrom } from '../../core/world.ts';

export type ExportFormat = 'ndjson' | 'csv';

export const exportTypes: Record<ExportFormat, string> = {
  ndjson: 'application/fhir+ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

const rowsAtOnce = 500;

/**
 * The trail as a stream, newest first: AuditEvents a line each, or a table. A page of rows is in memory at a time, and
 * none is read that the caller does not take; whoever goes away ends it.
 */
export function exportAudit(
  world: ReadsFrom<'auditLog'>,
  filter: AuditFilter,
  format: ExportFormat,
  site: AuditSite,
): Readable {
  const text = format === 'csv' ? csvLines(rowsOf(world, filter)) : ndjsonLines(rowsOf(world, filter), site);
  return Readable.from(text, { objectMode: false, highWaterMark: 64 * 1024 });
}

async function* rowsOf(world: ReadsFrom<'auditLog'>, filter: AuditFilter): AsyncGenerator<NamedAuditRecord[]> {
  for (let before: AuditPlace | undefined; ;) {
    const page = { limit: rowsAtOnce, ...(before && { before }) };
    const rows = await world.read(({ auditLog }) => auditLog.list(filter, page));
    if (rows.length > 0) yield rows;
    if (rows.length < rowsAtOnce) return;
    before = rows.at(-1)!;
  }
}

async function* ndjsonLines(pages: AsyncIterable<NamedAuditRecord[]>, site: AuditSite): AsyncGenerator<string> {
  for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(auditEventOf(row, site))}\n`).join('');
}

const columns: [heading: string, value: (row: NamedAuditRecord) => string | number | null][] = [
  ['seq', ({ seq }) => seq],
  ['at', ({ at }) => `${at.slice(0, 23)}Z`],
  ['action', ({ action }) => action],
  ['event', ({ event }) => event],
  ['outcome', ({ outcome }) => outcome],
  ['reason', ({ reason }) => reason],
  ['kind', ({ kind }) => kind],
  ['subject', ({ subject }) => subject],
  ['name', ({ name, clientName }) => name ?? clientName],
  ['role', ({ role }) => role],
  ['person', ({ fhirUser }) => fhirUser],
  ['client', ({ clientId }) => clientId],
  ['patients', ({ patients }) => patients.join(' ')],
  ['entities', ({ entities }) => entities.join(' ')],
  ['address', ({ sourceAddress }) => sourceAddress],
  ['request', ({ requestId }) => requestId],
  ['purpose', ({ purpose }) => purpose],
  ['times', ({ times }) => times],
];

async function* csvLines(pages: AsyncIterable<NamedAuditRecord[]>): AsyncGenerator<string> {
  yield `${columns.map(([heading]) => heading).join(',')}\r\n`;
  for await (const rows of pages)
    yield rows.map((row) => `${columns.map(([, value]) => csvCell(value(row))).join(',')}\r\n`).join('');
}

/**
 * A cell that no program takes for a formula (OWASP, CSV Injection), quoted by RFC 4180: names and ids in the trail may
 * be anybody's words.
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^\s*[=+\-@\t\r\n|%＝＋－＠]/u.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
}
