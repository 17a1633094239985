import type { ParameterizedContext } from 'koa';
import { errors, type Client, type InteractionResults, type Provider } from 'oidc-provider';
import type { AttemptStore, AuthorizationStore } from '../../core/accounts/authorizations.ts';
import type { Passkeys } from '../../core/accounts/factors/passkeys.ts';
import type { PasswordHasher } from '../../core/accounts/sign-in/password.ts';
import type { Account } from '../../core/accounts/account-store.ts';
import type { World } from '../../core/world.ts';
import type { Principal } from '../../core/principal.ts';
import type { State } from '../../http/state.ts';
import type { Words } from '../../http/words/words.ts';
import { markWay } from './finished.ts';
import type { PatientChoice } from '../pages/patient-page.ts';
import type { DemoAccount } from '../pages/sign-in-page.ts';

export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
export type Ctx = ParameterizedContext<State>;

/** Patients whom this member of staff may see, for the patient picker; an empty text lists some. */
export type FindPatients = (
  principal: Principal,
  wanted: { text: string } | { id: string },
) => Promise<PatientChoice[]>;

export interface InteractionParts {
  world: World;
  provider: Provider;
  authorizations: AuthorizationStore;
  attempts: AttemptStore;
  passwords: PasswordHasher;
  passkeys: Passkeys;
  cookieKey: string;
  demoAccounts: readonly DemoAccount[];
  findPatients: FindPatients;
}

/** One interaction and what the pages need of it. */
export interface Step {
  words: Words;
  ctx: Ctx;
  interaction: Interaction;
  client: Client;
  uid: string;
  proof: string;
  appName: string;
  formTargets: string[];
}

/** The person of this interaction, signed in by an earlier step. */
export async function signedIn(parts: InteractionParts, { interaction }: Step): Promise<Account> {
  const id = interaction.session?.accountId;
  const account = id === undefined ? undefined : await parts.world.read(({ accounts }) => accounts.byId(id));
  if (!account || account.disabled) throw new errors.SessionNotFound('nobody is signed in');
  return account;
}

/** Stores the step's result and sends the browser back to the authorization endpoint, which says what is next. */
export async function finish(parts: InteractionParts, step: Step, result: InteractionResults): Promise<void> {
  const { ctx } = step;
  markWay(parts, step, { finished: true });
  const next = await parts.provider.interactionResult(ctx.req, ctx.res, result);
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(next);
}
