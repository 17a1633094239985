import { z } from 'zod';
import type { RegistrationToken } from '../../core/accounts/clients/client-store.ts';
import { issueRegistrationToken } from '../../core/accounts/clients/registration-tokens.ts';
import { Problem } from '../../core/problem.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import { registrar } from '../api/registrar.ts';

const newToken = z.object({
  name: z.string().trim().min(1).max(100),
  scope: z.string(),
  days: z.number().int().min(1).max(365),
  uses: z.number().int().min(1).max(1000),
});
const time = z.iso.datetime();
const tokenShape = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.string(),
  uses: z.number(),
  usesLeft: z.number(),
  createdBy: z.string().optional(),
  createdAt: time,
  endsAt: time,
});

/** The words with which systems register themselves. */
export function registrationTokenRoutes(world: Pick<World, 'read' | 'transaction'>): ApiRoute[] {
  const base = { tag: 'Apps and systems', roles: ['admin'] } as const;
  return [
    apiRoute({
      ...base,
      method: 'get',
      path: '/portal/clients/tokens',
      summary: 'Words with which systems register themselves (RFC 7591)',
      event: 'portal:registration-tokens',
      answer: { schema: z.object({ tokens: z.array(tokenShape), total: z.number() }) },
      async handle() {
        const tokens = (await world.read(({ registrationTokens }) => registrationTokens.all())).map(shownToken);
        return { tokens, total: tokens.length };
      },
    }),
    apiRoute({
      ...base,
      method: 'post',
      path: '/portal/clients/tokens',
      summary: 'Issues such a word; it is shown this once',
      event: 'client:token',
      fresh: true,
      body: newToken,
      answer: { status: 201, schema: tokenShape.extend({ token: z.string() }) },
      async handle({ body, principal, about }) {
        const { registeredBy: issuedBy } = await registrar(world, principal);
        const { word, token } = await world.transaction((stores) =>
          issueRegistrationToken(stores, { ...body, issuedBy }),
        );
        about({ entities: [`RegistrationToken/${token.id}`] });
        return { ...shownToken(token), token: word };
      },
    }),
    apiRoute({
      ...base,
      method: 'delete',
      path: '/portal/clients/tokens/:id',
      summary: 'Ends such a word; what was registered with it stays',
      event: 'client:token',
      fresh: true,
      answer: { status: 204 },
      async handle({ params, about }) {
        about({ entities: [`RegistrationToken/${params.id!}`] });
        const gone = await world.transaction(({ registrationTokens }) => registrationTokens.remove(params.id!));
        if (!gone) throw new Problem('not-found', 'There is no such token; it may have been deleted.');
      },
    }),
  ];
}

function shownToken({ createdAt, expiresAt, issuedBy: createdBy, ...token }: RegistrationToken): object {
  return { ...token, createdBy, createdAt: createdAt.toISOString(), endsAt: expiresAt.toISOString() };
}
