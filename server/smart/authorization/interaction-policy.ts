import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { twoFactors } from '../../core/accounts/sign-in/fresh-factor.ts';
import { mustHaveFactor } from '../../core/accounts/factors/ways.ts';
import type { Role } from '../../core/principal.ts';
import type { Settings } from '../../core/settings.ts';
import { requestedScopes } from './granted-scopes.ts';

/**
 * The steps of an interaction, in order: sign in, choose a patient, consent. A step is a Prompt whose checks say
 * whether it is still owed, and a page of the same name. A second factor belongs to signing in: no session, and nothing
 * else, is made before it is given.
 */
export function interactionSteps(settings: Pick<Settings, 'secondFactorRoles'>): interactionPolicy.DefaultPolicy {
  const { Check, Prompt, base } = interactionPolicy;
  const steps = base();
  const gone = new Check(
    'account_gone',
    'the account of this session cannot sign in',
    (ctx) => ctx.oidc.session?.accountId !== undefined && !ctx.oidc.account,
  );
  const unproved = new Check(
    'second_factor',
    'the session was not opened with a second factor',
    (ctx) => !ctx.oidc.result?.login && owesFactor(ctx, settings),
  );
  for (const check of [gone, unproved]) steps.get('login')!.checks.add(check);
  const choose = new Check('patient_missing', 'a patient has to be chosen', 'interaction_required', (ctx) => {
    const account = ctx.oidc.account as unknown as { role: Role } | undefined;
    const asked = requestedScopes(ctx.oidc.params ?? {}).includes('launch/patient');
    return (
      asked &&
      account?.role !== 'patient' &&
      ctx.oidc.params?.launch === undefined &&
      ctx.oidc.result?.patient === undefined
    );
  });
  steps.add(new Prompt({ name: 'patient' }, choose), 1);
  return steps;
}

/** How a session tells that its device was remembered instead of asking for the second factor (RFC 8176 "rba"). */
export const rememberedDevice = 'rba';

/**
 * Whether the request wants two factors, or the role must have one, and the session was opened with less: also one that is
 * older than the rule.
 */
function owesFactor(ctx: KoaContextWithOIDC, settings: Pick<Settings, 'secondFactorRoles'>): boolean {
  const { params, acr, account, session } = ctx.oidc;
  if (acr === twoFactors || session?.accountId === undefined) return false;
  if (asksTwoFactors(params ?? {})) return true;
  const role = (account as unknown as { role: Role } | undefined)?.role;
  const spared = (session as { amr?: string[] }).amr?.includes(rememberedDevice) === true;
  return role !== undefined && mustHaveFactor(settings, role) && !spared;
}

/** Whether an authorization request wants a sign-in with two factors. */
export function asksTwoFactors({ acr_values: values }: { acr_values?: unknown }): boolean {
  return typeof values === 'string' && values.split(' ').includes(twoFactors);
}
