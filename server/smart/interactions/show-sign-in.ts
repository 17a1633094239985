import { showPage } from '../pages/layout.ts';
import { signInPage, type DemoAccount } from '../pages/sign-in-page.ts';
import type { InteractionParts, Step } from './interaction-step.ts';

/** @param said why the person is back here. */
export async function showSignIn(parts: InteractionParts, step: Step, said?: string): Promise<void> {
  const hint = step.interaction.params.login_hint;
  const signedIn = step.interaction.session?.accountId;
  const known = signedIn === undefined ? undefined : await parts.world.read(({ accounts }) => accounts.byId(signedIn));
  const email = typeof hint === 'string' ? hint : known?.email;
  const page = signInPage({
    ...step,
    demoAccounts: await demoAccounts(parts),
    registration: parts.world.settings.registration,
    ...(email !== undefined && { email }),
    ...(said !== undefined && { error: said }),
  });
  showPage(step.ctx, { ...page, formTargets: step.formTargets, ...(said !== undefined && { status: 403 }) });
}

/** Of the published accounts those that this database has: a button that signs nobody in is none. */
export async function demoAccounts({ world, demoAccounts: published }: InteractionParts): Promise<DemoAccount[]> {
  const found: DemoAccount[] = [];
  for (const one of published) {
    const account = await world.read(({ accounts }) => accounts.byEmail(one.email));
    if (account && !account.disabled) found.push(one);
  }
  return found;
}
