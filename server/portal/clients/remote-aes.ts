import { z } from 'zod';
import {
  changeRemoteAe,
  notThere,
  registerRemoteAe,
  removeRemoteAe,
  type RemoteAeDraft,
} from '../../core/accounts/remote-aes/change-remote-ae.ts';
import { aePermissions } from '../../core/accounts/remote-aes/ae-principal.ts';
import type { RemoteAe } from '../../core/accounts/remote-aes/remote-ae-store.ts';
import { Problem } from '../../core/problem.ts';
import type { Role } from '../../core/principal.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';
import { registrar } from '../api/registrar.ts';

export interface RemoteAeRoutesParts {
  world: Pick<World, 'read' | 'transaction'>;
  /** C-ECHO; milliseconds until its answer. @throws Problem in words for people. */
  echo(ae: RemoteAe): Promise<number>;
}

const short = z.string().max(300);
const draft = z.object({
  title: short,
  name: short,
  addresses: z.array(short).max(100).default([]),
  host: short.optional(),
  port: z.number().int().min(1).max(65535).optional(),
  tls: z.boolean().default(false),
  fingerprint: short.optional(),
  may: z.array(z.enum(aePermissions)).default([]),
  disabled: z.boolean().default(false),
});
const changed = draft.extend({ version: z.number().int().optional() });
const shape = draft.extend({
  id: z.string(),
  version: z.number(),
  createdAt: z.iso.datetime(),
  lastContactAt: z.iso.datetime().optional(),
  registeredBy: z.string().optional(),
});
const echoShape = z.object({ ok: z.boolean(), text: z.string(), ms: z.number().optional() });

const admins: readonly Role[] = ['admin'];
const base = { tag: 'AE titles', roles: admins } as const;
const path = '/portal/remote-aes';

/** Application entities that speak DIMSE with us. */
export function remoteAeRoutes({ world, echo }: RemoteAeRoutesParts): ApiRoute[] {
  return [
    apiRoute({
      ...base,
      method: 'get',
      path,
      summary: 'All registered AE titles',
      event: 'portal:remote-aes',
      answer: { schema: z.object({ aes: z.array(shape), total: z.number() }) },
      async handle() {
        const aes = (await world.read(({ remoteAes }) => remoteAes.all())).map(shown);
        return { aes, total: aes.length };
      },
    }),
    apiRoute({
      ...base,
      method: 'post',
      path,
      summary: 'Registers an AE title',
      event: 'client:ae-register',
      fresh: true,
      body: draft,
      answer: { status: 201, schema: shape },
      async handle({ body, principal, about }) {
        const who = await registrar(world, principal);
        const ae = await world.transaction((stores) => registerRemoteAe(stores, body as RemoteAeDraft, who));
        about({ entities: [`RemoteAe/${ae.id}`] });
        return shown(ae);
      },
    }),
    apiRoute({
      ...base,
      method: 'put',
      path: `${path}/:id`,
      summary: 'Changes one; with the version that was seen, 409 if somebody else changed it since',
      description: 'Associations that stand go on with the rights that they began with.',
      event: 'client:ae-change',
      fresh: true,
      body: changed,
      answer: { schema: shape },
      async handle({ params, body, about }) {
        about({ entities: [`RemoteAe/${params.id!}`] });
        const { version, ...wanted } = body;
        return shown(
          await world.transaction((stores) => changeRemoteAe(stores, params.id!, wanted as RemoteAeDraft, version)),
        );
      },
    }),
    apiRoute({
      ...base,
      method: 'delete',
      path: `${path}/:id`,
      summary: 'Removes one: it can open no association any more',
      event: 'client:ae-delete',
      fresh: true,
      answer: { status: 204 },
      async handle({ params, about }) {
        about({ entities: [`RemoteAe/${params.id!}`] });
        await world.transaction((stores) => removeRemoteAe(stores, params.id!));
      },
    }),
    apiRoute({
      ...base,
      method: 'post',
      path: `${path}/:id/echo`,
      summary: 'Sends C-ECHO to it, and says what came of it',
      event: 'client:ae-echo',
      answer: { schema: echoShape },
      async handle({ params, about }) {
        about({ entities: [`RemoteAe/${params.id!}`] });
        const ae = await world.read(({ remoteAes }) => remoteAes.byId(params.id!));
        if (!ae) throw notThere();
        return verdict(ae, () => echo(ae));
      },
    }),
  ];
}

async function verdict({ title }: RemoteAe, ask: () => Promise<number>): Promise<z.infer<typeof echoShape>> {
  try {
    const ms = await ask();
    return { ok: true, ms, text: `${title} answers after ${ms} ms.` };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ok: false, text: error.message };
  }
}

function shown({ createdAt, lastContactAt, ...ae }: RemoteAe): z.infer<typeof shape> {
  return {
    ...ae,
    addresses: [...ae.addresses],
    may: [...ae.may],
    createdAt: createdAt.toISOString(),
    ...(lastContactAt && { lastContactAt: lastContactAt.toISOString() }),
  };
}
