import { patientOf } from '../../core/accounts/account.ts';
import type { AuditRow } from '../../core/access/audit-trail.ts';
import type { GrantContext, Launch } from '../../core/accounts/authorizations.ts';
import { parseScope } from '../../core/accounts/scopes.ts';
import type { Account } from '../../core/accounts/account-store.ts';
import { Problem } from '../../core/problem.ts';
import {
  grantableScopes,
  isFirstParty,
  offeredToPeople,
  requestedScopes,
  signInScopes,
} from '../authorization/granted-scopes.ts';
import { saveGrant } from '../authorization/grants.ts';
import { finish, signedIn, type InteractionParts, type Step } from './interaction-step.ts';
import { consentPage, isOptional } from '../pages/consent-page.ts';
import { formTarget, showPage } from '../pages/layout.ts';

/** Our own application is not asked about: it shows people their own data and gives it to nobody. */
export async function showConsent(parts: InteractionParts, step: Step): Promise<void> {
  const account = await signedIn(parts, step);
  if (isFirstParty(step.client)) return giveSilently(parts, step, account);
  const grantable = await grantableNow(parts, step, account);
  showPage(step.ctx, {
    ...consentPage({
      ...step,
      userName: account.displayName,
      returnsTo: formTarget(step.interaction.params.redirect_uri)[0] ?? '',
      scopes: grantable,
    }),
    formTargets: step.formTargets,
  });
}

export async function handleConsent(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const account = await signedIn(parts, step);
  const grantable = await grantableNow(parts, step, account);
  const ticked = new Set(form.getAll('scope'));
  await give(
    parts,
    step,
    account,
    grantable.filter((scope) => ticked.has(scope) || !isOptional(scope)),
  );
}

/** Tabs of our application share the session's grant, so that none ends the others' refresh; a launch has its own. */
async function giveSilently(parts: InteractionParts, step: Step, account: Account): Promise<void> {
  const isLaunch = requestedScopes(step.interaction.params).some((scope) => scope.startsWith('launch'));
  const { grantId } = step.interaction;
  if (!isLaunch && grantId !== undefined) return finish(parts, step, { consent: { grantId } });
  return give(parts, step, account, await grantableNow(parts, step, account));
}

async function give(parts: InteractionParts, step: Step, account: Account, given: string[]): Promise<void> {
  const { clientId } = step.client;
  if (!given.some((scope) => scope === 'openid' || parseScope(scope) !== undefined)) {
    return finish(parts, step, { error: 'access_denied', error_description: 'no scope was granted' });
  }
  // The EHR's launch is taken here, once: two browsers cannot share it.
  const context = await launchContext(step, account, (id) =>
    parts.authorizations.takeLaunch(id, { clientId, accountId: account.id }),
  );
  const grantId = await saveGrant(parts.provider, parts.authorizations, parts.world.settings.fhirBaseUrl, {
    accountId: account.id,
    clientId,
    // What the app is not registered for is refused here, or it would be asked for again.
    requested: [...offeredIn(step), ...requestedScopes(step.interaction.params).filter(isSignInOnly(step))],
    given,
    context,
  });
  const row: AuditRow = {
    action: 'E',
    event: 'smart:authorize',
    outcome: 'success',
    principal: {
      kind: 'user',
      subject: account.id,
      clientId,
      role: account.role,
      fhirUser: account.fhirUser,
      scopes: [],
    },
    ...(context.patient === undefined ? {} : { patients: [context.patient] }),
    requestId: step.ctx.state.requestId,
    sourceAddress: step.ctx.state.clientAddress,
  };
  await parts.world.read(({ audit }) => audit.append(row));
  await finish(parts, step, { consent: { grantId } });
}

type LaunchContext = Pick<GrantContext, 'patient' | 'encounter' | 'imagingStudy'>;

/**
 * The context of this launch: what the EHR prepared, the patient's own, or the patient chosen on our page.
 *
 * @throws Problem `forbidden` for a launch that is over, used, or made for somebody else.
 */
async function launchContext(
  step: Step,
  account: Account,
  find: (launch: string) => Promise<Launch | undefined>,
): Promise<LaunchContext> {
  const own = patientOf(account);
  const { launch } = step.interaction.params;
  if (typeof launch === 'string') {
    const found = await find(launch);
    const isOurs = found?.accountId === account.id && (own === undefined || (found.patient ?? own) === own);
    if (!isOurs) throw new Problem('forbidden', 'This launch is over or belongs to somebody else. Open the app again.');
    const { id: _id, clientId: _client, accountId: _account, ...context } = found;
    return own === undefined ? context : { ...context, patient: own };
  }
  if (own !== undefined) return { patient: own };
  const chosen = step.interaction.lastSubmission?.patient;
  return typeof chosen === 'string' ? { patient: chosen } : {};
}

/** The scopes that this person can give to this app now. */
async function grantableNow({ authorizations }: InteractionParts, step: Step, account: Account): Promise<string[]> {
  const context = await launchContext(step, account, (id) => authorizations.launch(id));
  return grantableScopes(offeredIn(step), account.role, context);
}

const isSignInOnly = (step: Step) => (scope: string) =>
  signInScopes.includes(scope) && !offeredIn(step).includes(scope);

function offeredIn({ interaction, client }: Step): string[] {
  return offeredToPeople(client, requestedScopes(interaction.params));
}
