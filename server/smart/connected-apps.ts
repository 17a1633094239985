import type { ParameterizedContext } from 'koa';
import type Router from '@koa/router';
import type { Provider } from 'oidc-provider';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { AuditRow } from '../core/access/audit-trail.ts';
import type { ReadsFrom, World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import type { State } from '../http/state.ts';
import type { AccessTokens } from './access-token.ts';
import { showProblem } from './answer-problem.ts';
import { checkFormOrigin, formProof, readFields } from './interactions/form.ts';
import { connectedAppsPage, signInFirstPage } from './pages/account-pages.ts';
import { speak, wordsOf } from '../http/words/page-language.ts';
import { showPage } from './pages/layout.ts';

export interface ConnectedAppsParts {
  world: Pick<World, 'settings'> & ReadsFrom<'accounts' | 'audit'>;
  provider: Provider;
  authorizations: AuthorizationStore;
  tokens: AccessTokens;
  cookieKey: string;
}

/** The signed-in person's own page of apps with access (SMART `management_endpoint`). It lives on the session cookie. */
export function connectedAppsRoutes(router: Router<State>, parts: ConnectedAppsParts): void {
  router.get('/connected-apps', async (ctx) => {
    const accountId = await sessionAccount(parts, ctx);
    if (accountId === undefined) return showPage(ctx, { ...signInFirstPage(wordsOf(ctx)), status: 401 });
    await showApps(parts, ctx, accountId);
  });

  router.post('/connected-apps', async (ctx) => {
    const accountId = await sessionAccount(parts, ctx);
    if (accountId === undefined) return showPage(ctx, { ...signInFirstPage(wordsOf(ctx)), status: 401 });
    try {
      const form = await readFields(ctx);
      checkFormOrigin(ctx, form, {
        origin: parts.world.settings.publicUrl,
        proof: formProof(parts.cookieKey, accountId),
      });
      await removeAccess(parts, ctx, accountId, form.get('grant') ?? '');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return showProblem(ctx, error);
    }
    ctx.status = 303;
    ctx.redirect('/connected-apps');
  });
}

async function showApps(parts: ConnectedAppsParts, ctx: ParameterizedContext<State>, accountId: string): Promise<void> {
  const apps = await parts.authorizations.grantsOf(accountId);
  const account = await parts.world.read(({ accounts }) => accounts.byId(accountId));
  const t = speak(ctx, { account: account?.language, site: parts.world.settings.languages });
  showPage(ctx, connectedAppsPage(t, apps, formProof(parts.cookieKey, accountId), parts.world.settings.timeZone));
}

/** Only the person's own authorisations can be named. */
async function removeAccess(
  parts: ConnectedAppsParts,
  ctx: ParameterizedContext<State>,
  accountId: string,
  grantId: string,
): Promise<void> {
  const grant = grantId.includes('\0') ? undefined : await parts.authorizations.grant(grantId);
  if (grant?.accountId !== accountId) return;
  await parts.authorizations.revokeGrant(grantId);
  parts.tokens.forget();
  const row: AuditRow = {
    action: 'E',
    event: 'smart:revoke',
    outcome: 'success',
    principal: { kind: 'user', subject: accountId, clientId: grant.clientId, scopes: [] },
    requestId: ctx.state.requestId,
    sourceAddress: ctx.state.clientAddress,
  };
  await parts.world.read(({ audit }) => audit.append(row));
}

async function sessionAccount(
  { provider, world }: ConnectedAppsParts,
  ctx: ParameterizedContext<State>,
): Promise<string | undefined> {
  const session = await provider.Session.get(provider.createContext(ctx.req, ctx.res) as never);
  const account =
    session.accountId === undefined ? undefined : await world.read(({ accounts }) => accounts.byId(session.accountId!));
  return account && !account.disabled ? account.id : undefined;
}
