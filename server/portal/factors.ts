import { z } from 'zod';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import {
  addPasskey,
  addTotp,
  confirmTotp,
  removeFactor,
  renewRecoveryCodes,
  setMailCodes,
} from '../core/accounts/factors/change-factors.ts';
import { mustBeFresh } from '../core/accounts/sign-in/fresh-factor.ts';
import type { Passkeys } from '../core/accounts/factors/passkeys.ts';
import { waysOf } from '../core/accounts/factors/ways.ts';
import { newId } from '../core/identifier.ts';
import { Problem } from '../core/problem.ts';
import type { World } from '../core/world.ts';
import { qrCode } from '../http/answer/qr-code.ts';
import { apiRoute, everyRole, type ApiRoute, type Asked } from './api/api-route.ts';

export interface FactorRoutesParts {
  world: World;
  authorizations: AuthorizationStore;
  passkeys: Passkeys;
  /** Forgets what was found out about tokens: whether their people have a second factor is part of it. */
  onChange(): void;
}

/** Seconds that somebody has to answer the question for a passkey. */
const questionLife = 300;
const question = 'PasskeyQuestion';

const mine = z.object({
  factors: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(['totp', 'passkey']),
      name: z.string(),
      createdAt: z.string(),
      lastUsedAt: z.string().optional(),
    }),
  ),
  mail: z.boolean(),
  mailAllowed: z.boolean(),
  recoveryCodesLeft: z.number(),
  required: z.boolean(),
});
const own = { tag: 'My account', roles: everyRole };
/** With a session alone, a stolen one perhaps, nobody changes what protects the account; without a factor nothing is asked. */
const change = { ...own, event: 'portal:factors', fresh: true };
const act = ({ principal, requestId, sourceAddress }: Asked) => ({ principal, requestId, sourceAddress });

/** The second factors of whoever asks. */
export function factorRoutes(parts: FactorRoutesParts): readonly ApiRoute[] {
  const { world, onChange } = parts;
  return [
    apiRoute({
      ...own,
      method: 'get',
      path: '/portal/me/factors',
      summary: 'Your second factors',
      answer: { schema: mine },
      handle: (asked) => listed(world, asked),
    }),
    apiRoute({
      ...change,
      method: 'post',
      path: '/portal/me/factors/totp',
      summary: 'Begin with an authenticator app',
      answer: {
        status: 201,
        schema: z.object({ id: z.string(), secret: z.string(), uri: z.string(), qr: z.string() }),
      },
      async handle(asked) {
        const made = await addTotp(world, act(asked));
        return { ...made, qr: qrCode(made.uri) };
      },
    }),
    apiRoute({
      ...change,
      method: 'post',
      path: '/portal/me/factors/totp/:id/confirm',
      summary: 'Show that the authenticator app works',
      body: z.strictObject({ code: z.string().max(20) }),
      answer: { schema: mine },
      async handle(asked) {
        await confirmTotp(world, act(asked), asked.params['id']!, asked.body.code);
        onChange();
        return listed(world, asked);
      },
    }),
    ...passkeyRoutes(parts),
    apiRoute({
      ...change,
      method: 'delete',
      path: '/portal/me/factors/:id',
      summary: 'Take a second factor off',
      answer: { status: 204 },
      async handle(asked) {
        await removeFactor(world, act(asked), asked.params['id']!);
        onChange();
      },
    }),
    apiRoute({
      ...change,
      method: 'put',
      path: '/portal/me/factors/mail',
      summary: 'Codes by mail, on or off',
      body: z.strictObject({ on: z.boolean() }),
      answer: { schema: mine },
      async handle(asked) {
        await setMailCodes(world, act(asked), asked.body.on);
        onChange();
        return listed(world, asked);
      },
    }),
    apiRoute({
      ...change,
      fresh: false,
      method: 'post',
      path: '/portal/me/recovery-codes',
      summary: 'Ten new recovery codes, in the place of the old ones',
      answer: { schema: z.object({ codes: z.array(z.string()) }) },
      async handle(asked) {
        await mustBeFreshOrNew(world, asked);
        return { codes: await renewRecoveryCodes(world, act(asked)) };
      },
    }),
  ];
}

function passkeyRoutes({ world, authorizations, passkeys, onChange }: FactorRoutesParts): readonly ApiRoute[] {
  return [
    apiRoute({
      ...change,
      method: 'post',
      path: '/portal/me/factors/passkey/options',
      summary: 'What the browser asks for a new passkey',
      answer: { schema: z.object({ id: z.string(), options: z.unknown() }) },
      async handle({ principal }) {
        const account = await world.read(({ accounts }) => accounts.byId(principal.subject));
        if (!account) throw new Problem('not-found', 'There is no such account.');
        const known = await world.read((stores) => waysOf(stores, world.settings, account));
        const { options, challenge } = await passkeys.askToMake(account, known.passkeys);
        const id = newId();
        await authorizations.put(question, id, { accountId: account.id, challenge }, { expiresIn: questionLife });
        return { id, options };
      },
    }),
    apiRoute({
      ...change,
      method: 'post',
      path: '/portal/me/factors/passkey',
      summary: 'Add the new passkey',
      body: z.strictObject({ id: z.string().max(64), name: z.string().trim().min(1).max(60), response: z.unknown() }),
      answer: { status: 201, schema: mine },
      async handle(asked) {
        const { id, name, response } = asked.body;
        const kept = await authorizations.find(question, { id });
        const isOwn = kept?.['accountId'] === asked.principal.subject && kept['consumed'] === undefined;
        if (!isOwn || !(await authorizations.consume(question, id)))
          throw new Problem('conflict', 'The question for the passkey is over. Begin again.');
        const made = await passkeys.made(response, String(kept['challenge']));
        if (!made) throw new Problem('value', 'The passkey was not accepted. Begin again.', { expression: 'response' });
        await addPasskey(world, act(asked), name, made);
        onChange();
        return listed(world, asked);
      },
    }),
  ];
}

/**
 * Who has set up a second factor this moment, and has no codes yet, gets the first ones at once: the app's code was used
 * up by showing that it works, and the next one is half a minute away.
 */
async function mustBeFreshOrNew(world: World, { principal }: Asked): Promise<void> {
  const { settings } = world;
  const since = world.now().getTime() - settings.freshFactorSeconds * 1000;
  const isNew = await world.read(async ({ factors }) => {
    const own = await factors.of(principal.subject);
    return (
      own.length > 0 &&
      own.every(({ createdAt }) => createdAt.getTime() > since) &&
      (await factors.recoveryCodesLeft(principal.subject)) === 0
    );
  });
  if (!isNew) mustBeFresh(principal, settings, world.now());
}

async function listed(world: World, { principal }: Asked): Promise<z.infer<typeof mine>> {
  const account = await world.read(({ accounts }) => accounts.byId(principal.subject));
  if (!account) throw new Problem('not-found', 'There is no such account.');
  const { ways, passkeys, totps, recoveryCodesLeft, required } = await world.read((stores) =>
    waysOf(stores, world.settings, account),
  );
  const factors = [...totps, ...passkeys].map(({ id, kind, name, createdAt, lastUsedAt }) => ({
    id,
    kind,
    name,
    createdAt: createdAt.toISOString(),
    ...(lastUsedAt && { lastUsedAt: lastUsedAt.toISOString() }),
  }));
  return { factors, mail: ways.includes('mail'), mailAllowed: world.settings.mailCodes, recoveryCodesLeft, required };
}
