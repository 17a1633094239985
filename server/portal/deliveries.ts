import { z } from 'zod';
import type { Delivery } from '../core/deliveries/delivery-store.ts';
import { deliveryKinds, deliveryStates } from '../core/deliveries/owe-delivery.ts';
import { Problem } from '../core/problem.ts';
import { inOneTransaction } from '../core/records/write.ts';
import { cancelDelivery, sendAgain, sendElsewhere } from '../core/reports/change-delivery.ts';
import type { World, WriteContext } from '../core/world.ts';
import { apiRoute, type ApiRoute, type Asked } from './api/api-route.ts';

const delivery = z.object({
  id: z.string(),
  kind: z.enum(deliveryKinds),
  recipient: z.string().describe('empty where no address is known'),
  state: z.enum(deliveryStates),
  tries: z.number().int(),
  answer: z.string().optional().describe("codes of the relay's last answer"),
  createdAt: z.iso.datetime(),
  changedAt: z.iso.datetime(),
  nextTry: z.iso.datetime().optional(),
  subject: z.string().optional().describe('Task/id or Communication/id of what it is about'),
});

const relay = z.object({
  state: z.enum(['ok', 'failing', 'unused']),
  answer: z.string().optional(),
  since: z.iso.datetime().optional(),
});

const wanted = z.strictObject({
  state: z.enum(deliveryStates).optional(),
  kind: z.enum(deliveryKinds).optional(),
  text: z.string().max(254).optional().describe('part of an address'),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const ofAdmins = { tag: 'Deliveries', roles: ['admin'] } as const;
const params = { id: z.string().max(64) };

/** Everything that left by mail, or should, and what an administrator does about it. */
export function deliveryRoutes({ world }: { world: World }): ApiRoute[] {
  const act = async (asked: Asked, work: (context: WriteContext, id: string) => Promise<string | void>) => {
    const { principal, requestId, sourceAddress } = asked;
    const id = asked.params['id'] ?? '';
    asked.about({ entities: [`delivery/${id}`] });
    const owed = await inOneTransaction(world, { principal, requestId, sourceAddress }, (context) => work(context, id));
    return one(world, owed ?? id);
  };
  return [
    apiRoute({
      ...ofAdmins,
      method: 'get',
      path: '/portal/deliveries',
      summary: 'Messages, newest first, and how the mail relay is',
      query: wanted,
      answer: { schema: z.object({ deliveries: z.array(delivery), total: z.number().int(), relay }) },
      handle: ({ query }) => list(world, query),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'get',
      path: '/portal/deliveries/:id',
      summary: 'One message',
      event: 'portal:delivery',
      params,
      answer: { schema: delivery },
      handle({ params: { id = '' }, about }) {
        about({ entities: [`delivery/${id}`] });
        return one(world, id);
      },
    }),
    apiRoute({
      ...ofAdmins,
      method: 'post',
      path: '/portal/deliveries/:id/again',
      summary: 'Send it again',
      description:
        'One that waits is tried at once. A report that came to nothing begins a new delivery, which is what is answered; a message about an account is not sent again, because its words are not kept.',
      event: 'portal:delivery-again',
      params,
      answer: { schema: delivery },
      handle: (asked) => act(asked, sendAgain),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'post',
      path: '/portal/deliveries/:id/other-address',
      summary: 'Send a report or withdrawal to another address',
      description: 'Where addresses are confirmed before a report goes there, this one is asked first, too.',
      event: 'portal:delivery-other-address',
      fresh: true,
      params,
      body: z.strictObject({ email: z.string().trim().max(254) }),
      answer: { schema: delivery },
      handle: (asked) => act(asked, (context, id) => sendElsewhere(context, id, asked.body.email)),
    }),
    apiRoute({
      ...ofAdmins,
      method: 'post',
      path: '/portal/deliveries/:id/cancel',
      summary: 'Call a waiting message off',
      event: 'portal:delivery-cancel',
      params,
      answer: { schema: delivery },
      handle: (asked) => act(asked, cancelDelivery),
    }),
  ];
}

async function list(world: World, { state, kind, text, offset, limit }: z.infer<typeof wanted>) {
  const conditions = { ...(state && { state }), ...(kind && { kind }), ...(text && { text }) };
  const [{ found, total }, relay] = await world.read((stores) =>
    Promise.all([stores.deliveries.search({ ...conditions, offset, limit }), stores.relay.state()]),
  );
  return { deliveries: found.map(shown), total, relay };
}

async function one(world: World, id: string) {
  const found = await world.read(({ deliveries }) => deliveries.byId(id));
  if (!found) throw new Problem('not-found', 'There is no such delivery.');
  return shown(found);
}

function shown({ id, kind, recipient, state, tries, answer, createdAt, changedAt, nextTry, subjectOf }: Delivery) {
  return {
    id,
    kind,
    recipient,
    state,
    tries,
    createdAt,
    changedAt,
    ...(answer !== undefined && { answer }),
    ...(nextTry && state === 'waiting' && { nextTry }),
    ...(subjectOf !== undefined && { subject: subjectOf }),
  };
}
