import type { KeptAuditRecord } from '../../../core/access/audit-mark.ts';

/** The columns of a row of `audit` under an alias, by the names that the core has for them. */
export const auditColumns = (a: string): string => `
  ${a}.seq, to_char(${a}.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, ${a}.action::text as action, ${a}.event, ${a}.outcome,
  ${a}.kind, ${a}.subject, ${a}.client_id as "clientId", ${a}.role, ${a}.fhir_user as "fhirUser", ${a}.token_id as "tokenId",
  ${a}.patients, ${a}.entities, ${a}.query, ${a}.request_id as "requestId", ${a}.source_address as "sourceAddress",
  ${a}.reason, ${a}.purpose, ${a}.times, ${a}.mac`;

/** What these columns give: one to one what the core takes. */
export type AuditColumns = KeptAuditRecord;
