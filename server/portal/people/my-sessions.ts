/** Where somebody is signed in, and which apps may act for them; each with an end. */
import { z } from 'zod';
import { auditAccount } from '../../core/accounts/people/account-audit.ts';
import type { AuthorizationStore } from '../../core/accounts/authorizations.ts';
import { splitScopes } from '../../core/accounts/scopes.ts';
import { Problem } from '../../core/problem.ts';
import type { WriteContext } from '../../core/world.ts';
import { askedLanguage } from '../../http/words/page-language.ts';
import { scopeWords } from '../../http/words/scope-words.ts';
import { words } from '../../http/words/words.ts';
import { apiRoute, everyRole, type ApiRoute } from '../api/api-route.ts';
import { sessionJson, sessionSchema } from './user-json.ts';
import { inTransaction, type UserRoutesParts } from './users.ts';

export interface MySessionsParts extends UserRoutesParts {
  authorizations: Pick<AuthorizationStore, 'grantsOf' | 'grant' | 'revokeGrant'>;
}

const common = { tag: 'My account', roles: everyRole } as const;
const app = z.object({ id: z.string(), name: z.string(), may: z.array(z.string()), since: z.string() });

export function mySessionRoutes(parts: MySessionsParts): ApiRoute[] {
  const { world, forgetChecks } = parts;
  return [
    apiRoute({
      ...common,
      method: 'get',
      path: '/portal/me/sessions',
      summary: 'Browsers in which I am signed in',
      answer: { schema: z.object({ sessions: z.array(sessionSchema) }) },
      spoken: ['device'],
      async handle({ principal }) {
        const sessions = await world.read((stores) => stores.sessions.of(principal.subject, principal.grantId));
        return { sessions: sessions.map(sessionJson) };
      },
    }),
    apiRoute({
      ...common,
      method: 'delete',
      path: '/portal/me/sessions/:id',
      summary: 'Sign a browser out',
      event: 'portal:me-session-end',
      answer: {},
      async handle(asked) {
        await inTransaction(world, asked, async (context) => {
          if (!(await context.stores.sessions.end(asked.principal.subject, asked.params['id']!)))
            throw new Problem('not-found', 'This browser is not signed in any more.');
          await note(context);
        });
        forgetChecks();
      },
    }),
    apiRoute({
      ...common,
      method: 'post',
      path: '/portal/me/sessions/end-others',
      summary: 'Sign all other browsers out; connected apps keep their access',
      event: 'portal:me-session-end',
      answer: {},
      async handle(asked) {
        const { subject, grantId } = asked.principal;
        await inTransaction(world, asked, async (context) => {
          const { sessions } = context.stores;
          for (const one of await sessions.of(subject, grantId)) if (!one.current) await sessions.end(subject, one.id);
          await note(context);
        });
        forgetChecks();
      },
    }),
    ...appRoutes(parts),
  ];
}

function appRoutes({ authorizations, forgetChecks }: MySessionsParts): ApiRoute[] {
  return [
    apiRoute({
      ...common,
      method: 'get',
      path: '/portal/me/apps',
      summary: 'Apps that may act for me',
      answer: { schema: z.object({ apps: z.array(app) }) },
      async handle({ principal, ctx }) {
        const t = words(askedLanguage(ctx) ?? 'en');
        const apps = await authorizations.grantsOf(principal.subject);
        return {
          apps: apps.map(({ grantId, clientName, scope, since }) => ({
            id: grantId,
            name: clientName,
            may: splitScopes(scope).map((word) => scopeWords(t, word)),
            since: since.toISOString(),
          })),
        };
      },
    }),
    apiRoute({
      ...common,
      method: 'delete',
      path: '/portal/me/apps/:id',
      summary: 'Take the access of an app away',
      event: 'smart:revoke',
      answer: {},
      async handle({ principal, params }) {
        const id = params['id']!;
        const grant = id.includes('\0') ? undefined : await authorizations.grant(id);
        if (grant?.accountId !== principal.subject) throw new Problem('not-found', 'This app has no access any more.');
        await authorizations.revokeGrant(id);
        forgetChecks();
      },
    }),
  ];
}

async function note(context: WriteContext): Promise<void> {
  const person = await context.stores.people.byId(context.principal.subject);
  if (person) await auditAccount(context, 'account:end-sessions', person);
}
