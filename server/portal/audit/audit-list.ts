import type { Patient } from '@medplum/fhirtypes';
import type { AuditFilter, AuditPlace, NamedAuditRecord } from '../../core/access/audit-log.ts';
import { searchOwn } from '../../core/records/own-search.ts';
import { nameOf } from '../../core/r4/human-name.ts';
import type { ReadsFrom } from '../../core/world.ts';

export interface AuditEntry {
  seq: number;
  at: string;
  action: string;
  event: string;
  outcome: string;
  who: { kind: string; subject?: string; name?: string; role?: string; client?: string };
  patients: { id: string; name?: string }[];
  entities: string[];
  address?: string;
  requestId?: string;
  reason?: string;
  purpose?: string;
  times?: number;
}

/** Patients that one row names in a list: a search of all of them was looked at by nobody. */
const namedPatients = 20;
const entitiesShown = 50;

/**
 * A page of the trail with the names of people, services and patients.
 *
 * @returns `next`: what the following page is asked `before`; none on the last.
 */
export async function auditEntries(
  world: ReadsFrom<'auditLog' | 'records'>,
  filter: AuditFilter,
  page: { limit: number; before?: AuditPlace },
): Promise<{ rows: AuditEntry[]; next?: string }> {
  return world.read(async ({ auditLog, records }) => {
    const found = await auditLog.list(filter, { ...page, limit: page.limit + 1 });
    const rows = found.slice(0, page.limit);
    const ids = [...new Set(rows.flatMap(({ patients }) => patients.slice(0, namedPatients)))];
    const names = new Map<string, string>();
    for (let n = 0; n < ids.length; n += 100) {
      const values = ids.slice(n, n + 100).filter((id) => /^[A-Za-z0-9\-.]{1,64}$/.test(id));
      if (values.length === 0) continue;
      const { found: patients } = await searchOwn({ records }, 'Patient', [{ parameter: '_id', values }], {
        count: 100,
      });
      for (const patient of patients) names.set(patient.id, nameOf((patient as Patient).name) ?? '');
    }
    const last = rows.at(-1);
    return {
      rows: rows.map((row) => entryOf(row, names)),
      ...(last && found.length > rows.length && { next: placeText(last) }),
    };
  });
}

export function entryOf(row: NamedAuditRecord, names: ReadonlyMap<string, string>): AuditEntry {
  const client = row.clientName ?? row.clientId;
  return {
    seq: row.seq,
    at: `${row.at.slice(0, 23)}Z`,
    action: row.action,
    event: row.event,
    outcome: row.outcome,
    who: {
      kind: row.kind ?? 'unknown',
      ...(row.subject !== null && { subject: row.subject }),
      ...(row.name !== null ? { name: row.name } : row.kind === 'client' && client !== null && { name: client }),
      ...(row.role !== null && { role: row.role }),
      ...(client !== null && { client }),
    },
    patients: row.patients
      .slice(0, namedPatients)
      .map((id) => ({ id, ...(names.get(id) && { name: names.get(id)! }) })),
    entities: row.entities.slice(0, entitiesShown),
    ...(row.sourceAddress && { address: row.sourceAddress }),
    ...(row.requestId !== null && { requestId: row.requestId }),
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.purpose !== null && { purpose: row.purpose }),
    ...(row.times !== null && { times: row.times }),
  };
}

/** A place in the list as one word: time and number. */
export function placeText({ at, seq }: AuditPlace): string {
  return `${at}_${seq}`;
}

export function placeOf(text: string): AuditPlace | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)_(\d{1,15})$/.exec(text);
  return match ? { at: match[1]!, seq: Number(match[2]) } : undefined;
}
