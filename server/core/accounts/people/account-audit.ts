import type { AuditRow } from '../../access/audit-trail.ts';
import { traceOf } from '../../trace.ts';
import type { WriteContext } from '../../world.ts';
import { patientOf } from '../account.ts';
import type { Account } from '../account-store.ts';

/** An act on an account, in the transaction of the act. The account is named by its id: addresses are no part of the trail. */
export async function auditAccount(
  context: Pick<WriteContext, 'stores' | 'principal' | 'requestId' | 'sourceAddress'>,
  event: `account:${string}`,
  account: Pick<Account, 'id' | 'role' | 'fhirUser'>,
  more: Partial<Pick<AuditRow, 'action' | 'outcome' | 'principal' | 'patients'>> = {},
): Promise<void> {
  const patient = patientOf(account);
  await context.stores.audit.append({
    action: 'U',
    event,
    outcome: 'success',
    principal: context.principal,
    ...(patient !== undefined && { patients: [patient] }),
    entities: [`account/${account.id}`, account.fhirUser],
    ...traceOf(context),
    ...more,
  });
}

/** The person who proved to be the account's by a link, without being signed in. */
export function selfOf(account: Pick<Account, 'id' | 'role' | 'fhirUser'>): WriteContext['principal'] {
  const { id, role, fhirUser } = account;
  return { kind: 'user', subject: id, clientId: '', role, fhirUser, scopes: [] };
}
