import type { Account } from '../../core/accounts/account-store.ts';
import { mailLinkToSetUp } from '../../core/accounts/factors/link-to-set-up.ts';
import { waysOf, type Ways } from '../../core/accounts/factors/ways.ts';
import { signIn } from '../../core/accounts/sign-in/sign-in.ts';
import { Problem } from '../../core/problem.ts';
import { statusOf } from '../../http/answer/problem-status.ts';
import { refusalWords } from '../../http/words/refusal-words.ts';
import { showProblem } from '../answer-problem.ts';
import { asksTwoFactors, rememberedDevice } from '../authorization/interaction-policy.ts';
import { deviceParts, finishSignIn } from './finish-sign-in.ts';
import type { InteractionParts, Step } from './interaction-step.ts';
import { knownDevice } from './known-device.ts';
import { setUpByMailPage } from '../pages/factor-page.ts';
import { showPage } from '../pages/layout.ts';
import { signInPage } from '../pages/sign-in-page.ts';
import { beginSecondStep } from './second-step.ts';
import { demoAccounts } from './show-sign-in.ts';
import { isTrusted } from './trusted-device.ts';

export async function handleSignIn(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const { ctx } = step;
  const offered = await demoAccounts(parts);
  const { registration } = parts.world.settings;
  const shown = { ...step, demoAccounts: offered, registration, remember: form.get('remember') === 'yes' };
  const demo = offered[Number(form.get('demo') ?? NaN)];
  if (demo)
    return showPage(ctx, {
      ...signInPage({ ...shown, email: demo.email, password: demo.password }),
      formTargets: step.formTargets,
    });
  const email = form.get('email') ?? '';
  const device = knownDevice(deviceParts(parts), ctx);
  try {
    const account = await signIn(parts.world, parts, {
      email,
      password: (form.get('password') ?? '').slice(0, 1024),
      sourceAddress: ctx.state.clientAddress,
      ...(device && { device }),
      requestId: ctx.state.requestId,
      clientId: step.client.clientId,
    });
    await afterPassword(parts, step, account, shown.remember);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showProblem(ctx, error, {
      ...signInPage({ ...shown, email, error: refusalWords(step.words, error.message) }),
      // Of what a person typed nothing more is told than that it was wrong.
      status: statusOf[error.code] >= 429 ? statusOf[error.code] : 403,
      formTargets: step.formTargets,
    });
  }
}

/** Nothing is opened by the password where there is a second factor, or must be one. */
async function afterPassword(parts: InteractionParts, step: Step, account: Account, remember: boolean): Promise<void> {
  const ways = await parts.world.read((stores) => waysOf(stores, parts.world.settings, account));
  if (ways.ways.length === 0 && ways.required) return sendLink(parts, step, account);
  const spared = !asksTwoFactors(step.interaction.params) && (await isSpared(parts, step, account, ways));
  if (ways.ways.length === 0 || spared)
    return finishSignIn(parts, step, account, { remember, amr: spared ? ['pwd', rememberedDevice] : ['pwd'] });
  return beginSecondStep(parts, step, {
    account,
    ways,
    way: ways.ways[0]!,
    remember,
    stepUp: false,
  });
}

async function isSpared(parts: InteractionParts, step: Step, account: Account, ways: Ways): Promise<boolean> {
  if (parts.world.settings.rememberDeviceDays === 0) return false;
  return isTrusted({ ...deviceParts(parts), authorizations: parts.authorizations }, step.ctx, account, ways);
}

async function sendLink(parts: InteractionParts, step: Step, account: Account): Promise<void> {
  const wait = await mailLinkToSetUp(parts.world, account);
  if (wait > 0) step.ctx.set('Retry-After', String(wait));
  showPage(step.ctx, {
    ...setUpByMailPage({ ...step, wait }),
    formTargets: step.formTargets,
    status: wait > 0 ? 429 : 200,
  });
}
