import { signIn } from '../../core/accounts/sign-in.ts';
import { Problem } from '../../core/problem.ts';
import { statusOf } from '../../http/answer/problem-status.ts';
import { showProblem } from '../answer-problem.ts';
import { finish, type InteractionParts, type Step } from './interaction-step.ts';
import { knownDevice, rememberDevice } from './known-device.ts';
import { showPage } from '../pages/layout.ts';
import { signInPage } from '../pages/sign-in-page.ts';

export function showSignIn(parts: InteractionParts, step: Step): void {
  const hint = step.interaction.params.login_hint;
  const page = signInPage({
    ...step,
    demoAccounts: parts.demoAccounts,
    registration: parts.world.settings.registration,
    ...(typeof hint === 'string' ? { email: hint } : {}),
  });
  showPage(step.ctx, { ...page, formTargets: step.formTargets });
}

export async function handleSignIn(parts: InteractionParts, step: Step, form: URLSearchParams): Promise<void> {
  const { ctx } = step;
  const { registration } = parts.world.settings;
  const remember = form.get('remember') === 'yes';
  const shown = { ...step, demoAccounts: parts.demoAccounts, registration, remember };
  const demo = parts.demoAccounts[Number(form.get('demo') ?? NaN)];
  if (demo)
    return showPage(ctx, {
      ...signInPage({ ...shown, email: demo.email, password: demo.password }),
      formTargets: step.formTargets,
    });
  const email = form.get('email') ?? '';
  const deviceParts = { cookieKey: parts.cookieKey, publicUrl: parts.world.settings.publicUrl };
  const device = knownDevice(deviceParts, ctx);
  try {
    const account = await signIn(parts.world, parts, {
      email,
      password: (form.get('password') ?? '').slice(0, 1024),
      sourceAddress: ctx.state.clientAddress,
      ...(device && { device }),
      requestId: ctx.state.requestId,
      clientId: step.client.clientId,
    });
    rememberDevice(deviceParts, ctx, account);
    await finish(parts, step, { login: { accountId: account.id, remember: shown.remember, amr: ['pwd'] } });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showProblem(ctx, error, {
      ...signInPage({ ...shown, email, error: error.message }),
      // Of what a person typed nothing more is told than that it was wrong.
      status: statusOf[error.code] >= 429 ? statusOf[error.code] : 403,
      formTargets: step.formTargets,
    });
  }
}
