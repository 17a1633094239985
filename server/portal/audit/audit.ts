import { z } from 'zod';
import { chainState, verifyAudit } from '../../core/access/audit-chain.ts';
import type { AuditCheck, AuditFilter } from '../../core/access/audit-log.ts';
import type { AuditWorld } from '../../core/access/audit-seal.ts';
import type { Principal } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';
import type { ReadsFrom, World } from '../../core/world.ts';
import { apiRoute, everyRole, type ApiRoute } from '../api/api-route.ts';
import { exportAudit, exportTypes } from './audit-export.ts';
import { auditEntries, placeOf, type AuditEntry } from './audit-list.ts';

const tag = 'Audit';
const id = z.string().regex(/^[A-Za-z0-9\-.]{1,64}$/, 'is an id');
const word = z.string().min(1).max(200);
const instant = z.iso.datetime({ offset: true }).or(z.iso.date()).transform((text) => new Date(text)); // prettier-ignore
const place = z.string().transform((text, context) => {
  const found = placeOf(text);
  if (found) return found;
  context.addIssue({ code: 'custom', message: 'is what `next` of the page before was' });
  return z.NEVER;
});
const limit = z.coerce.number().int().min(1).max(500).default(50);

const filters = {
  patient: id.optional(),
  account: word.optional(),
  client: word.optional(),
  event: z.string().regex(/^[\w:$.-]{1,80}\*?$/, 'is the name of an event, or how it begins with an asterisk').optional(),
  outcome: z.enum(['success', 'refused', 'failed']).optional(),
  from: instant.optional(),
  to: instant.optional(),
  entity: word.optional(),
}; // prettier-ignore
const listQuery = z.strictObject({ ...filters, before: place.optional(), limit });
const exportQuery = z.strictObject({ ...filters, format: z.enum(['ndjson', 'csv']).default('ndjson') });
const ownQuery = z.strictObject({ before: place.optional(), limit });

const entry = z.object({
  seq: z.number().int(),
  at: z.string(),
  action: z.string(),
  event: z.string(),
  outcome: z.string(),
  who: z.object({
    kind: z.string(),
    subject: z.string().optional(),
    name: z.string().optional(),
    role: z.string().optional(),
    client: z.string().optional(),
  }),
  patients: z.array(z.object({ id: z.string(), name: z.string().optional() })),
  entities: z.array(z.string()),
  address: z.string().optional(),
  requestId: z.string().optional(),
  reason: z.string().optional(),
  purpose: z.string().optional(),
  times: z.number().int().optional(),
});
const page = z.object({
  rows: z.array(entry),
  next: z.string().optional().describe('`before` of the following page'),
});
const checked = z.object({
  at: z.string(),
  found: z.number().int().describe('how many faults; the first of them are told'),
  faults: z.array(z.object({ seq: z.number(), to: z.number().optional(), kind: z.string(), text: z.string() })),
  notes: z.array(z.string()),
  checked: z.number().int(),
  total: z.number().int(),
});
const chain = z.object({
  rows: z.number().int(),
  linked: z.number().int(),
  lastCheckpoint: z.object({ at: z.string(), seq: z.number().int() }).optional(),
  verified: checked.optional(),
  verifying: checked.extend({ state: z.enum(['running', 'failed']) }).optional(),
});

function filterOf(query: Omit<z.infer<typeof exportQuery>, 'format'>): AuditFilter {
  const { patient, account, client, event, outcome, from, to, entity } = query;
  return {
    ...(patient !== undefined && { patients: [patient] }),
    ...(account !== undefined && { subject: account }),
    ...(client !== undefined && { clientId: client }),
    ...(event !== undefined && { event }),
    ...(outcome !== undefined && { outcome }),
    ...(from && { from }),
    ...(to && { to }),
    ...(entity !== undefined && { entity }),
  };
}

type AuditRoutesWorld = Omit<AuditWorld, 'read'> & Pick<World, 'settings'> & ReadsFrom<'auditLog' | 'records'>;

/**
 * The audit trail on our own screens: list, export and wholeness for administrators, and for everybody who looked at the
 * own record.
 *
 * @param onFault what went wrong with a verification, which nobody waits for.
 */
export function auditRoutes(world: AuditRoutesWorld, onFault: (error: unknown) => void): ApiRoute[] {
  let verifying: Promise<unknown> | undefined;
  return [
    apiRoute({
      method: 'get', path: '/portal/audit', tag, roles: ['admin'], event: 'audit:list', query: listQuery,
      summary: 'Rows of the audit trail, newest first', answer: { schema: page },
      async handle({ query, about }) {
        const { before, limit: most, ...asked } = query;
        const found = await auditEntries(world, filterOf(asked), { limit: most, ...(before && { before }) });
        about({ patients: patientsIn(found.rows, query.patient) });
        return found;
      },
    }),
    apiRoute({
      method: 'get', path: '/portal/audit/export', tag, roles: ['admin'], event: 'audit:export', query: exportQuery,
      summary: 'The same rows as a file: AuditEvents, or a table', answer: { mediaType: 'application/fhir+ndjson' },
      async handle({ query: { format, ...asked }, ctx, about }) {
        about({ ...(asked.patient !== undefined && { patients: [asked.patient] }), entities: [`audit.${format}`] });
        ctx.attachment(`audit-${world.now().toISOString().slice(0, 10)}.${format}`);
        ctx.set('Content-Type', exportTypes[format]);
        return exportAudit(world, filterOf(asked), format, world.settings);
      },
    }),
    apiRoute({
      method: 'get', path: '/portal/audit/chain', tag, roles: ['admin'], event: 'audit:chain',
      summary: 'How much of the trail is sealed, and what the last verification found', answer: { schema: chain },
      async handle() {
        const { rows, linked, lastCheckpoint, check } = await chainState(world);
        return {
          rows,
          linked,
          ...(lastCheckpoint && { lastCheckpoint }),
          ...(check?.state === 'done' && { verified: checkJson(check) }),
          ...(check && check.state !== 'done' && { verifying: { ...checkJson(check), state: check.state } }),
        };
      },
    }),
    apiRoute({
      method: 'post', path: '/portal/audit/verify', tag, roles: ['admin'], event: 'audit:verify',
      summary: 'Begins a verification of the whole trail; /portal/audit/chain tells how far it is', answer: { status: 202, schema: z.object({ state: z.literal('running') }) },
      async handle() {
        const { check } = await chainState(world);
        if (verifying !== undefined || check?.state === 'running') return { state: 'running' };
        // Nobody waits for it: of a large trail it takes minutes.
        verifying = verifyAudit(world).catch(onFault).finally(() => (verifying = undefined));
        return { state: 'running' };
      },
    }),
    apiRoute({
      method: 'get', path: '/portal/me/accesses', tag, roles: everyRole, event: 'audit:own', query: ownQuery,
      summary: 'Who looked at the own record (patients), or the own accesses (staff)', answer: { schema: page },
      async handle({ principal, query: { before, limit: most } }) {
        return ownAccesses(world, principal, { limit: most, ...(before && { before }) });
      },
    }),
  ]; // prettier-ignore
}

function checkJson({ changedAt: at, faults, found, notes, checked, total }: AuditCheck) {
  return { at, faults, found, notes, checked, total };
}

function patientsIn(rows: AuditEntry[], asked: string | undefined): string[] {
  return [
    ...new Set([
      ...(asked === undefined ? [] : [asked]),
      ...rows.flatMap(({ patients }) => patients.map(({ id }) => id)),
    ]),
  ];
}

/**
 * Of a patient: what others saw or did of the own record, with their names, and nothing about other patients, network or
 * requests. Of staff: what they did themselves.
 */
async function ownAccesses(
  world: AuditRoutesWorld,
  { role, fhirUser, subject, hidden = [] }: Principal,
  asked: Parameters<typeof auditEntries>[2],
): Promise<{ rows: AuditEntry[]; next?: string }> {
  if (role !== 'patient') {
    const { rows, ...more } = await auditEntries(world, { subject }, asked);
    // The name of somebody whose record is restricted again is not for them any more.
    const nameless = ({ id: one, name }: AuditEntry['patients'][number]) =>
      hidden.includes(one) || name === undefined ? { id: one } : { id: one, name };
    return { rows: rows.map((row) => ({ ...row, patients: row.patients.map(nameless) })), ...more };
  }
  const own = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(fhirUser ?? '')?.[1];
  if (own === undefined) throw new Problem('forbidden', 'This account is not tied to a patient.');
  const others: AuditFilter = { patients: [own], outcome: 'success', byOthersThan: [fhirUser!], hidden: 'system' };
  const { rows, next } = await auditEntries(world, others, asked);
  const shown = rows.map(({ seq, at, action, event, outcome, who, patients, purpose }) => {
    const { subject: _account, ...rest } = who;
    return {
      seq, at, action, event, outcome, who: rest, entities: [],
      patients: patients.filter(({ id: one }) => one === own).length > 0 ? patients.filter(({ id: one }) => one === own) : [{ id: own }],
      ...(purpose !== undefined && { purpose }),
    }; // prettier-ignore
  });
  return { rows: shown, ...(next !== undefined && { next }) };
}
