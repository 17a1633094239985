import type Router from '@koa/router';
import type { Account } from '../../core/accounts/account-store.ts';
import type { AttemptStore, AuthorizationStore } from '../../core/accounts/authorizations.ts';
import { finishLink, takeOver, type TakenOver } from '../../core/accounts/factors/finish-link.ts';
import type { Passkeys } from '../../core/accounts/factors/passkeys.ts';
import { newTotpSecret, sealTotp, stepOfCode, totpSetUp } from '../../core/accounts/factors/totp.ts';
import { mustHaveFactor } from '../../core/accounts/factors/ways.ts';
import type { OneTimeLink } from '../../core/accounts/link-store.ts';
import { readLink } from '../../core/accounts/one-time-link.ts';
import type { PasswordHasher } from '../../core/accounts/sign-in/password.ts';
import { hashNewPassword } from '../../core/accounts/sign-in/new-password.ts';
import { minimumLength } from '../../core/accounts/sign-in/password-strength.ts';
import { signIn } from '../../core/accounts/sign-in/sign-in.ts';
import { newId } from '../../core/identifier.ts';
import { Problem } from '../../core/problem.ts';
import type { World } from '../../core/world.ts';
import { qrCode } from '../../http/answer/qr-code.ts';
import { statusOf } from '../../http/answer/problem-status.ts';
import type { State } from '../../http/state.ts';
import { showProblem } from '../answer-problem.ts';
import { checkFormOrigin, formProof, readFields } from '../interactions/form.ts';
import type { Ctx } from '../interactions/interaction-step.ts';
import { answerIn } from '../interactions/second-step.ts';
import { speak, wordsOf } from '../../http/words/page-language.ts';
import { refusalWords } from '../../http/words/refusal-words.ts';
import type { Words } from '../../http/words/words.ts';
import { showPage } from '../pages/layout.ts';
import { factorSetUpPage, finishedPage, linkOverPage, linkPasswordPage } from '../pages/link-page.ts';
import { endLinkStage, keepLinkStage, linkStage, stageIdOf, type LinkStage } from './link-stage.ts';

export interface LinkPagesParts {
  world: World;
  authorizations: AuthorizationStore;
  attempts: AttemptStore;
  passwords: PasswordHasher;
  passkeys: Passkeys;
  cookieKey: string;
  /** Forgets cached checks of tokens. */
  endSessions(): void;
}

/** A link that can be used now, and how far this browser has come with it. */
interface Visit {
  words: Words;
  ctx: Ctx;
  word: string;
  link: OneTimeLink;
  account: Account;
  stageId: string;
  stage: LinkStage;
  proof: string;
}

/**
 * The pages on which somebody takes an account over: password, second factor, recovery codes. A GET uses nothing up, so
 * that scanners of mail may open the link; all is done in one transaction at the end.
 */
export function linkPages(router: Router<State>, parts: LinkPagesParts): void {
  router.get('/account/link/:word', (ctx) => onVisit(parts, ctx, (visit) => showStep(parts, visit)));
  const post = (action: string, handle: (visit: Visit, form: URLSearchParams) => Promise<void>) =>
    router.post(`/account/link/:word/${action}`, (ctx) =>
      onVisit(parts, ctx, async (visit) => {
        const form = await readFields(ctx);
        checkFormOrigin(ctx, form, { origin: parts.world.settings.publicUrl, proof: visit.proof });
        return handle(visit, form);
      }),
    );
  post('password', (visit, form) => handlePassword(parts, visit, form));
  post('app', (visit, form) => handleApp(parts, visit, form));
  post('passkey', (visit, form) => handlePasskey(parts, visit, form));
  post('mail', (visit) => end(parts, visit, { mail: parts.world.settings.mailCodes }));
  post('none', (visit) => end(parts, visit, {}));
}

async function onVisit(parts: LinkPagesParts, ctx: Ctx, run: (visit: Visit) => Promise<void>): Promise<void> {
  const { word } = (ctx as unknown as { params: { word: string } }).params;
  try {
    const link = await parts.world.read(({ links }) => readLink(links, word));
    const id = link && takeOver.includes(link.purpose) ? link.accountId : undefined;
    const account = id === undefined ? undefined : await parts.world.read(({ accounts }) => accounts.byId(id));
    const t = speak(ctx, { account: account?.language, site: parts.world.settings.languages });
    if (!link || !account || account.disabled) return showPage(ctx, { ...linkOverPage(t), status: 404 });
    const stageId = stageIdOf(ctx, word, parts.world.settings.publicUrl);
    const kept = await linkStage(parts.authorizations, stageId);
    const stage = kept?.accountId === account.id ? kept : { accountId: account.id };
    await run({
      words: t,
      ctx,
      word,
      link,
      account,
      stageId,
      stage,
      proof: formProof(parts.cookieKey, `link ${stageId}`),
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showProblem(ctx, error);
  }
}

/** Whether the account keeps its password, which is asked for then: the link alone shall not do. */
function keepsPassword({ link, account }: Visit): boolean {
  return link.purpose === 'reset-factors' && account.passwordHash !== null;
}

function hasPassword(visit: Visit): boolean {
  return keepsPassword(visit) ? visit.stage.passwordKnown === true : visit.stage.passwordHash !== undefined;
}

async function showStep(parts: LinkPagesParts, visit: Visit, error?: Problem): Promise<void> {
  if (!hasPassword(visit)) return showPassword(parts, visit, error);
  const { world, passkeys, authorizations } = parts;
  const { account, stageId } = visit;
  const secret = visit.stage.totp === undefined ? newTotpSecret() : openStaged(parts, visit, visit.stage.totp);
  const question = await passkeys.askToMake(account, []);
  await keepLinkStage(authorizations, stageId, {
    ...visit.stage,
    totp: world.secrets.seal(secret, aboutStage(stageId)),
    challenge: question.challenge,
  });
  const { uri } = totpSetUp(secret, { issuer: world.settings.organizationName, email: account.email });
  const page = factorSetUpPage({
    ...visit,
    qr: qrCode(uri),
    uri,
    secret,
    question: question.options,
    required: mustHaveFactor(world.settings, account.role),
    mail: world.settings.mailCodes,
    ...(error && { error: refusalWords(visit.words, error.message) }),
  });
  answer(visit, page, error);
}

function showPassword({ world }: LinkPagesParts, visit: Visit, error?: Problem): void {
  const least = mustHaveFactor(world.settings, visit.account.role) ? 'withSecondFactor' : 'alone';
  const page = linkPasswordPage({
    ...visit,
    site: world.settings.organizationName,
    keeps: keepsPassword(visit),
    least: minimumLength[least],
    ...(error && { error: refusalWords(visit.words, error.message) }),
  });
  answer(visit, page, error);
}

function answer({ ctx }: Visit, page: Parameters<typeof showPage>[1], error: Problem | undefined): void {
  if (!error) return showPage(ctx, page);
  const status = statusOf[error.code] >= 429 ? statusOf[error.code] : 422;
  showProblem(ctx, error, { ...page, status });
}

async function handlePassword(parts: LinkPagesParts, visit: Visit, form: URLSearchParams): Promise<void> {
  const { world, passwords, authorizations } = parts;
  const { ctx, account, stage, stageId, word } = visit;
  const password = (form.get('password') ?? '').slice(0, 1024);
  try {
    if (keepsPassword(visit)) {
      const { clientAddress: sourceAddress, requestId } = ctx.state;
      await signIn(world, parts, { email: account.email, password, sourceAddress, requestId, clientId: 'csss' });
      await keepLinkStage(authorizations, stageId, { ...stage, passwordKnown: true });
    } else {
      const passwordHash = await hashNewPassword(world, passwords, password, account);
      await keepLinkStage(authorizations, stageId, { ...stage, passwordHash });
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const said = error.code === 'login' ? new Problem('login', 'This is not the password of the account.') : error;
    return showPassword(parts, visit, said);
  }
  ctx.status = 303;
  ctx.redirect(`/account/link/${word}`);
}

async function handleApp(parts: LinkPagesParts, visit: Visit, form: URLSearchParams): Promise<void> {
  const { world } = parts;
  const { stage, account } = visit;
  if (!hasPassword(visit) || stage.totp === undefined) return showStep(parts, visit);
  const secret = openStaged(parts, visit, stage.totp);
  const code = (form.get('code') ?? '').replace(/\s/g, '');
  const usedStep = stepOfCode(secret, code, world.now());
  if (usedStep === undefined) {
    const wrong = 'This code is not right. Scan the picture again, and type the six digits that the app shows now.';
    return showStep(parts, visit, new Problem('value', wrong));
  }
  const id = newId();
  const factor = { kind: 'totp', id, accountId: account.id, name: 'Authenticator app' } as const;
  await end(parts, visit, { factor: { ...factor, secret: sealTotp(world.secrets, id, secret), usedStep } });
}

async function handlePasskey(parts: LinkPagesParts, visit: Visit, form: URLSearchParams): Promise<void> {
  const { stage, account } = visit;
  if (!hasPassword(visit) || stage.challenge === undefined) return showStep(parts, visit);
  const made = await parts.passkeys.made(answerIn(form.get('response')), stage.challenge);
  if (!made) return showStep(parts, visit, new Problem('value', 'The passkey was not accepted. Try again.'));
  await end(parts, visit, {
    factor: { kind: 'passkey', id: newId(), accountId: account.id, name: 'Passkey', ...made },
  });
}

/** All of it now; tokens of before are no longer known as good. */
async function end(parts: LinkPagesParts, visit: Visit, chosen: Omit<TakenOver, 'passwordHash'>): Promise<void> {
  if (!hasPassword(visit)) return showStep(parts, visit);
  const { ctx, word, stage, stageId } = visit;
  const { clientAddress: sourceAddress, requestId } = ctx.state;
  const hash = keepsPassword(visit) ? undefined : stage.passwordHash;
  let done: Awaited<ReturnType<typeof finishLink>>;
  try {
    const whole = { ...chosen, ...(hash !== undefined && { passwordHash: hash }) };
    done = await finishLink(parts.world, word, whole, { sourceAddress, requestId });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return showStep(parts, visit, error);
  }
  await endLinkStage(parts.authorizations, stageId);
  const t = wordsOf(ctx);
  if (!done) return showPage(ctx, { ...linkOverPage(t), status: 404 });
  parts.endSessions();
  showPage(ctx, finishedPage(t, done.codes));
}

function openStaged({ world }: LinkPagesParts, { stageId }: Visit, sealed: string): string {
  return world.secrets.open(sealed, aboutStage(stageId));
}

function aboutStage(stageId: string): string {
  return `link-stage ${stageId}`;
}
