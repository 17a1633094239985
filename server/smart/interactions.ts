import type { ParameterizedContext } from 'koa';
import type Router from '@koa/router';
import { errors, type Client, type InteractionResults, type Provider } from 'oidc-provider';
import { patientOf } from '../core/accounts/account.ts';
import type { AttemptStore, AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { PasswordHasher } from '../core/accounts/password.ts';
import { signIn } from '../core/accounts/sign-in.ts';
import { parseScope } from '../core/accounts/scopes.ts';
import type { Account, World } from '../core/ports.ts';
import type { Principal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import type { State } from '../http/state.ts';
import { checkFormOrigin, formProof, readForm } from './form.ts';
import { grantableScopes, isFirstParty, offeredToPeople, requestedScopes } from './granted-scopes.ts';
import { saveGrant } from './grants.ts';
import { consentPage, isOptional } from './pages/consent-page.ts';
import { errorPage, formTarget, showPage } from './pages/layout.ts';
import { patientPage, type PatientChoice } from './pages/patient-page.ts';
import { signInPage, type DemoAccount } from './pages/sign-in-page.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Ctx = ParameterizedContext<State>;

/** Patients whom this member of staff may see, for the patient picker; an empty text lists some. */
export type FindPatients = (principal: Principal, wanted: { text: string } | { id: string }) => Promise<PatientChoice[]>;

export interface InteractionParts {
  world: Pick<World, 'accounts' | 'audit' | 'settings'>;
  provider: Provider;
  authorizations: AuthorizationStore;
  attempts: AttemptStore;
  passwords: PasswordHasher;
  cookieKey: string;
  demoAccounts: readonly DemoAccount[];
  findPatients: FindPatients;
}

/** One interaction and what the pages need of it. */
interface Step {
  ctx: Ctx;
  interaction: Interaction;
  client: Client;
  uid: string;
  proof: string;
  appName: string;
  formTargets: string[];
}

/** The pages of an interaction at /interaction/:uid; oidc-provider says which step is due. */
export function interactionRoutes(router: Router<State>, parts: InteractionParts): void {
  router.get('/interaction/:uid', (ctx) => inStep(parts, ctx, (step) => showStep(parts, step)));
  const post = (action: string, handle: (step: Step, form: URLSearchParams) => Promise<void>, prompt?: string) =>
    router.post(`/interaction/:uid/${action}`, (ctx) =>
      inStep(parts, ctx, async (step) => {
        const form = await readForm(ctx);
        checkFormOrigin(ctx, form, { origin: parts.world.settings.publicUrl, proof: step.proof });
        // A form of an earlier step (browser's back button): show the one that is due.
        if (prompt !== undefined && step.interaction.prompt.name !== prompt) return showStep(parts, step);
        return handle(step, form);
      }),
    );
  post('sign-in', (step, form) => handleSignIn(parts, step, form), 'login');
  post('find-patient', (step, form) => handleFindPatient(parts, step, form), 'patient');
  post('patient', (step, form) => handlePatient(parts, step, form), 'patient');
  post('consent', (step, form) => handleConsent(parts, step, form), 'consent');
  post('cancel', (step) => finish(parts, step, { error: 'access_denied', error_description: 'the person cancelled' }));
}

/** Finds the interaction by its cookie, and answers its problems with a page. */
async function inStep(parts: InteractionParts, ctx: Ctx, run: (step: Step) => Promise<void>): Promise<void> {
  try {
    const interaction = await parts.provider.interactionDetails(ctx.req, ctx.res);
    const client = await parts.provider.Client.find(String(interaction.params.client_id));
    const { uid } = interaction;
    if (uid !== (ctx as unknown as { params: { uid: string } }).params.uid || !client) throw new errors.SessionNotFound('another interaction');
    await run({
      ctx,
      interaction,
      client,
      uid,
      proof: formProof(parts.cookieKey, uid),
      appName: client.clientName ?? client.clientId,
      formTargets: formTarget(interaction.params.redirect_uri),
    });
  } catch (error) {
    if (error instanceof errors.SessionNotFound) {
      showPage(ctx, { ...errorPage('This sign-in is over or was started in another browser.', 'Go back to the app and start again.'), status: 400 });
    } else if (error instanceof Problem) {
      const status = { forbidden: 403, 'media-type': 415, 'too-long': 413 }[error.code as string] ?? 400;
      showPage(ctx, { ...errorPage(error.message), status });
    } else {
      throw error;
    }
  }
}

async function showStep(parts: InteractionParts, step: Step): Promise<void> {
  const { interaction } = step;
  switch (interaction.prompt.name) {
    case 'login':
      return showPage(step.ctx, {
        ...signInPage({ ...step, demoAccounts: parts.demoAccounts, ...hint(interaction.params.login_hint) }),
        formTargets: step.formTargets,
      });
    case 'patient':
      return showPatients(parts, step, undefined);
    case 'consent':
      return showConsent(parts, step);
    default:
      throw new Error(`no page for the step ${interaction.prompt.name}`);
  }
}

function hint(value: unknown): { email?: string } {
  return typeof value === 'string' ? { email: value } : {};
}

async function handleSignIn(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const { ctx } = step;
  const shown = { ...step, demoAccounts: parts.demoAccounts, remember: form.get('remember') === 'yes' };
  const demo = parts.demoAccounts[Number(form.get('demo') ?? NaN)];
  if (demo) return showPage(ctx, { ...signInPage({ ...shown, email: demo.email, password: demo.password }), formTargets: step.formTargets });
  const email = form.get('email') ?? '';
  try {
    const account = await signIn(parts.world, parts, {
      email,
      password: (form.get('password') ?? '').slice(0, 1024),
      sourceAddress: ctx.ip,
      requestId: ctx.state.requestId,
      clientId: step.client.clientId,
    });
    await finish(parts, step, { login: { accountId: account.id, remember: shown.remember, amr: ['pwd'] } });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter));
    showPage(ctx, {
      ...signInPage({ ...shown, email, error: error.message }),
      status: error.code === 'throttled' ? 429 : 403,
      formTargets: step.formTargets,
    });
  }
}

/** The person of this interaction, signed in by an earlier step. */
async function signedIn(parts: InteractionParts, { interaction }: Step): Promise<Account> {
  const id = interaction.session?.accountId;
  const account = id === undefined ? undefined : await parts.world.accounts.byId(id);
  if (!account || account.disabled) throw new errors.SessionNotFound('nobody is signed in');
  return account;
}

async function showPatients(parts: InteractionParts, step: Step, text: string | undefined, error?: string): Promise<void> {
  const account = await signedIn(parts, step);
  const patients = await parts.findPatients(asReader(account, step), { text: text ?? '' });
  showPage(step.ctx, {
    ...patientPage({ ...step, patients, ...(text === undefined ? {} : { text }), ...(error === undefined ? {} : { error }) }),
    formTargets: step.formTargets,
    status: error === undefined ? 200 : 422,
  });
}

/** Looking for a patient to open an app with is the person's own reading, so it is narrowed and audited as such. */
function asReader(account: Account, step: Step): Principal {
  return {
    kind: 'user',
    subject: account.id,
    clientId: step.client.clientId,
    role: account.role,
    fhirUser: account.fhirUser,
    scopes: [{ context: 'user', type: 'Patient', permissions: 'rs' }],
  };
}

async function handleFindPatient(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  await showPatients(parts, step, (form.get('text') ?? '').trim().slice(0, 200));
}

async function handlePatient(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const account = await signedIn(parts, step);
  const wanted = form.get('patient') ?? '';
  const found = /^[A-Za-z0-9.-]{1,64}$/.test(wanted) ? await parts.findPatients(asReader(account, step), { id: wanted }) : [];
  if (!found.some((patient) => patient.id === wanted)) return showPatients(parts, step, undefined, 'Choose one of the patients.');
  await finish(parts, step, { patient: wanted });
}

/** Our own application is not asked about: it shows people their own data and gives it to nobody. */
async function showConsent(parts: InteractionParts, step: Step): Promise<void> {
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

/** Tabs of our application share the session's grant, so that none ends the others' refresh; a launch has its own. */
async function giveSilently(parts: InteractionParts, step: Step, account: Account): Promise<void> {
  const isLaunch = requestedScopes(step.interaction.params).some((scope) => scope === 'launch' || scope === 'launch/patient');
  const { grantId } = step.interaction;
  if (!isLaunch && grantId !== undefined) return finish(parts, step, { consent: { grantId } });
  return give(parts, step, account, await grantableNow(parts, step, account));
}

async function handleConsent(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const account = await signedIn(parts, step);
  const grantable = await grantableNow(parts, step, account);
  const ticked = new Set(form.getAll('scope'));
  await give(parts, step, account, grantable.filter((scope) => ticked.has(scope) || !isOptional(scope)));
}

interface LaunchContext {
  patient?: string;
  encounter?: string;
}

/** The context that this launch has: the patient's own, the EHR's, or the one chosen on our page. */
async function launchContext(step: Step, account: Account, find: (launch: string) => Promise<LaunchContext | undefined>): Promise<LaunchContext> {
  const own = patientOf(account);
  if (own !== undefined) return { patient: own };
  const { launch } = step.interaction.params;
  if (typeof launch === 'string') {
    const found = await find(launch);
    if (!found) throw new Problem('forbidden', 'This launch is over or belongs to somebody else. Open the app again.');
    return {
      ...(found.patient === undefined ? {} : { patient: found.patient }),
      ...(found.encounter === undefined ? {} : { encounter: found.encounter }),
    };
  }
  const chosen = step.interaction.lastSubmission?.patient;
  return typeof chosen === 'string' ? { patient: chosen } : {};
}

/** The scopes that this person can give to this app now. */
async function grantableNow({ authorizations }: InteractionParts, step: Step, account: Account): Promise<string[]> {
  const context = await launchContext(step, account, (id) => authorizations.launch(id));
  return grantableScopes(offeredIn(step), { role: account.role, patient: context.patient });
}

function offeredIn({ interaction, client }: Step): string[] {
  return offeredToPeople(client, requestedScopes(interaction.params));
}

async function give(parts: InteractionParts, step: Step, account: Account, given: string[]): Promise<void> {
  const { clientId } = step.client;
  if (!given.some((scope) => scope === 'openid' || parseScope(scope) !== undefined)) {
    return finish(parts, step, { error: 'access_denied', error_description: 'no scope was granted' });
  }
  // The EHR's launch is taken here, once: two browsers cannot share it.
  const context = await launchContext(step, account, (id) => parts.authorizations.takeLaunch(id, { clientId, accountId: account.id }));
  const grantId = await saveGrant(parts.provider, parts.authorizations, parts.world.settings.fhirBaseUrl, {
    accountId: account.id, clientId, requested: offeredIn(step), given, context,
  }); // prettier-ignore
  await parts.world.audit.append({
    action: 'E',
    event: 'smart:authorize',
    outcome: 'success',
    principal: { kind: 'user', subject: account.id, clientId, role: account.role, fhirUser: account.fhirUser, scopes: [] },
    ...(context.patient === undefined ? {} : { patients: [context.patient] }),
    requestId: step.ctx.state.requestId,
    sourceAddress: step.ctx.ip,
  });
  await finish(parts, step, { consent: { grantId } });
}

/** Stores the step's result and sends the browser back to the authorization endpoint, which says what is next. */
async function finish(parts: InteractionParts, { ctx }: Step, result: InteractionResults): Promise<void> {
  const next = await parts.provider.interactionResult(ctx.req, ctx.res, result);
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(next);
}
