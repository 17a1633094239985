import { sendMailCode } from '../../core/accounts/factors/mail-code.ts';
import { proveFactor } from '../../core/accounts/factors/prove.ts';
import { waysOf, type Way } from '../../core/accounts/factors/ways.ts';
import { Problem } from '../../core/problem.ts';
import { statusOf } from '../../http/answer/problem-status.ts';
import { refusalWords } from '../../http/words/refusal-words.ts';
import { showProblem } from '../answer-problem.ts';
import { factorPage } from '../pages/factor-page.ts';
import { showPage } from '../pages/layout.ts';
import { deviceParts, finishSignIn } from './finish-sign-in.ts';
import type { InteractionParts, Step } from './interaction-step.ts';
import { knownDevice } from './known-device.ts';
import { showSignIn } from './show-sign-in.ts';
import { endStage, keepStage, stageOf, type Stage } from './stage.ts';
import { trustDevice } from './trusted-device.ts';

/** How each way is told to apps (RFC 8176); none is registered for a mailed code. */
const methods: Record<Way, string[]> = {
  passkey: ['pwd', 'pop', 'mfa'],
  totp: ['pwd', 'otp', 'mfa'],
  mail: ['pwd', 'otp', 'mfa'],
  recovery: ['pwd', 'otp', 'mfa'],
};

/** Why somebody with a live session is at the sign-in: nothing but that the second factor is missing or old. */
const stepUpReasons = new Set(['max_age', 'second_factor']);

/** Goes on to the page of the second factor; a code is mailed now if that is the way. */
export async function beginSecondStep(parts: InteractionParts, step: Step, stage: Stage): Promise<void> {
  await keepStage(parts, step, stage);
  if (stage.way === 'mail') return mailCode(parts, step, stage);
  toPage(step);
}

/** The page that is due at the sign-in: of the second factor if the password was given or the session stands, else the first. */
export async function showLogin(parts: InteractionParts, step: Step): Promise<void> {
  const stage = (await stageOf(parts, step)) ?? (await stepUpStage(parts, step));
  return stage ? showFactor(parts, step, stage) : showSignIn(parts, step);
}

/** For a step-up of a live session (RFC 9470): who is signed in is asked for the second factor only. */
async function stepUpStage(parts: InteractionParts, step: Step): Promise<Stage | undefined> {
  const id = step.interaction.session?.accountId;
  if (id === undefined || !step.interaction.prompt.reasons.every((reason) => stepUpReasons.has(reason)))
    return undefined;
  const account = await parts.world.read(({ accounts }) => accounts.byId(id));
  if (!account || account.disabled) return undefined;
  const ways = await parts.world.read((stores) => waysOf(stores, parts.world.settings, account));
  const [way] = ways.ways;
  if (way === undefined) return undefined;
  // `remember` leaves the session as long-lived as it is.
  const stage: Stage = { account, ways, way, remember: true, stepUp: true };
  await keepStage(parts, step, stage);
  return stage;
}

async function showFactor(parts: InteractionParts, step: Step, stage: Stage, problem?: Problem): Promise<void> {
  const question = stage.way === 'passkey' ? await parts.passkeys.askToProve(stage.ways.passkeys) : undefined;
  if (question) await keepStage(parts, step, { ...stage, challenge: question.challenge });
  const { rememberDeviceDays } = parts.world.settings;
  const page = factorPage({
    ...step,
    stage,
    ...(question && { question: question.options }),
    rememberDays: stage.stepUp ? 0 : rememberDeviceDays,
    ...(problem && {
      error: refusalWords(step.words, problem.message),
      ...(problem.retryAfter !== undefined && { wait: problem.retryAfter }),
    }),
  });
  const shown = { ...page, formTargets: step.formTargets };
  if (!problem) return showPage(step.ctx, shown);
  const status = statusOf[problem.code] >= 429 ? statusOf[problem.code] : 403;
  showProblem(step.ctx, problem, { ...shown, status });
}

export async function handleProof(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const stage = await stageOf(parts, step);
  if (!stage) return showSignIn(parts, step, step.words('signIn.long'));
  const { ctx } = step;
  const { account, ways, way, challenge } = stage;
  const device = knownDevice(deviceParts(parts), ctx);
  try {
    await proveFactor(parts.world, parts, {
      account,
      ways,
      way,
      given: way === 'passkey' ? answerIn(form.get('response')) : (form.get('code') ?? ''),
      askedIn: step.uid,
      ...(challenge !== undefined && { challenge }),
      ...(device && { device }),
      clientId: step.client.clientId,
      requestId: ctx.state.requestId,
      sourceAddress: ctx.state.clientAddress,
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return showFactor(parts, step, stage, error);
  }
  // The account as it is now: what has changed while the factor was looked at ends the stage.
  if (!(await stageOf(parts, step))) return showSignIn(parts, step, step.words('signIn.long'));
  await endStage(parts, step);
  const days = parts.world.settings.rememberDeviceDays;
  if (form.get('trust') === 'yes' && days > 0 && !stage.stepUp)
    await trustDevice({ ...deviceParts(parts), authorizations: parts.authorizations }, ctx, account, ways, days);
  await finishSignIn(parts, step, account, { remember: stage.remember, amr: methods[way], proved: true });
}

/** The person chooses another way. */
export async function handleWay(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const stage = await stageOf(parts, step);
  if (!stage) return showSignIn(parts, step, step.words('signIn.long'));
  const way = stage.ways.ways.find((one) => one === form.get('way')) ?? stage.way;
  const { challenge: _old, ...rest } = stage;
  const chosen = { ...rest, way };
  if (way === 'mail' && stage.mailedAt === undefined) return mailCode(parts, step, chosen);
  await keepStage(parts, step, chosen);
  toPage(step);
}

/** Sends a code, the first or a new one. */
export async function handleMailCode(parts: InteractionParts, step: Step): Promise<void> {
  const stage = await stageOf(parts, step);
  if (!stage) return showSignIn(parts, step, step.words('signIn.long'));
  if (!stage.ways.ways.includes('mail')) return toPage(step);
  return mailCode(parts, step, { ...stage, way: 'mail' });
}

async function mailCode(parts: InteractionParts, step: Step, stage: Stage): Promise<void> {
  try {
    await sendMailCode(parts.world, stage.account, step.uid);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    await keepStage(parts, step, stage);
    return showFactor(parts, step, stage, error);
  }
  await keepStage(parts, step, { ...stage, mailedAt: Date.now() });
  toPage(step);
}

/** To the page by GET, so that reloading it sends nothing again. */
function toPage({ ctx, uid }: Step): void {
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(`/interaction/${uid}`);
}

export function answerIn(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
