import { z } from 'zod';
import { postMail } from '../core/deliveries/post-mail.ts';
import { Problem } from '../core/problem.ts';
import { inOneTransaction } from '../core/records/write.ts';
import { changeSite, type FixedWords } from '../core/site/change-site.ts';
import { largestLogo, readLogo } from '../core/site/logo.ts';
import { setupSteps, stepStates } from '../core/site/setup-steps.ts';
import type { SetupStep, Site } from '../core/site/site-store.ts';
import type { World } from '../core/world.ts';
import { readBody } from '../http/request/body.ts';
import { apiRoute, type ApiRoute, type Asked } from './api/api-route.ts';

export interface SetupParts {
  world: World;
  /** What the environment says of the site. */
  fixed: FixedWords;
  /** This process tells of a change at once; others do within a minute. */
  changed(): Promise<void>;
}

const text = (longest: number) => z.string().trim().max(longest, `may have ${longest} characters at most`);
const organisation = z.strictObject({
  name: text(200).min(1, 'must not be empty'),
  address: z.strictObject({
    line: z.array(text(200).min(1, 'must not be empty')).max(4, 'may have four lines at most'),
    city: text(100),
    postalCode: text(20),
    country: text(100),
  }),
  phone: text(40).optional(),
  timeZone: z.string(),
  languages: z.array(z.string().max(35)).max(20, 'may name 20 at most'),
});
const step = z.object({ id: z.string(), state: z.enum(['done', 'skipped', 'open']), detail: z.string().optional() });
const setup = z.object({
  steps: z.array(step),
  organisation: organisation.extend({ name: text(200), logo: z.boolean() }), // the name is empty until it is said
  fixed: z.array(z.string()),
  pending: z.object({ timeZone: z.string(), inUse: z.string(), how: z.string() }).optional(),
});

const common = { tag: 'Set-up', roles: ['admin'] } as const;
const changing = { ...common, event: 'settings:change' } as const;

/** The first day, led through: what the site is, whether mail leaves, and what is still missing. */
export function setupRoutes(parts: SetupParts): ApiRoute[] {
  const { world } = parts;
  return [
    apiRoute({
      ...common,
      method: 'get',
      path: '/portal/setup',
      summary: 'What the site is, and how far the set-up has come',
      event: 'portal:setup',
      answer: { schema: setup },
      spoken: ['detail'],
      handle: () => stateOf(parts),
    }),
    apiRoute({
      ...changing,
      method: 'put',
      path: '/portal/setup/organisation',
      summary: 'Says what the site is: on reports, mails and pages, and as the Organization of the FHIR service',
      body: organisation,
      answer: { schema: setup },
      spoken: ['detail'],
      async handle({ principal, body, about, ...trace }) {
        const { phone, ...words } = body;
        const wanted = { ...words, ...(phone !== undefined && phone !== '' && { phone }) };
        await inOneTransaction(world, { principal, ...traceIn(trace) }, (context) =>
          changeSite(context, wanted, parts.fixed),
        );
        about({ entities: ['organisation'] });
        await parts.changed();
        return stateOf(parts);
      },
    }),
    ...logoRoutes(parts),
    apiRoute({
      ...common,
      method: 'post',
      path: '/portal/setup/mail-test',
      summary: 'Sends a mail that says nothing; its delivery has the answer of the relay',
      event: 'mail:test',
      body: z.strictObject({ to: z.string() }),
      answer: { status: 202, schema: z.object({ delivery: z.string() }) },
      async handle({ body: { to } }) {
        const letter = { kind: 'test', to, ...testMail(world) } as const;
        return { delivery: await world.transaction((stores) => postMail(stores, world.secrets, letter)) };
      },
    }),
    apiRoute({
      ...changing,
      method: 'post',
      path: '/portal/setup/steps/:id/skip',
      summary: 'Remembers that a step is not wanted',
      answer: { schema: setup },
      spoken: ['detail'],
      async handle({ params, about }) {
        const id = stepNamed(params['id']);
        about({ entities: [`skip ${id}`] });
        await world.transaction(({ site }) => site.skip(id));
        await parts.changed();
        return stateOf(parts);
      },
    }),
  ];
}

function logoRoutes({ world, changed }: SetupParts): ApiRoute[] {
  const set = async (bytes: Uint8Array | undefined) => {
    const logo = bytes && readLogo(bytes);
    await world.transaction(({ site }) => site.setLogo(logo));
    await changed();
  };
  return [
    apiRoute({
      ...changing,
      method: 'put',
      path: '/portal/setup/logo',
      summary: 'The logo that is printed on reports: PNG or JPEG, 512 KB, 2000 pixels a side',
      answer: {},
      async handle({ ctx, about }) {
        about({ entities: ['logo'] });
        await set(await readBody(ctx.req, largestLogo));
      },
    }),
    apiRoute({
      ...changing,
      method: 'delete',
      path: '/portal/setup/logo',
      summary: 'Takes the logo away',
      answer: {},
      async handle({ about }) {
        about({ entities: ['logo'] });
        await set(undefined);
      },
    }),
    apiRoute({
      tag: 'Set-up',
      roles: 'public',
      method: 'get',
      path: '/api/logo',
      summary: 'The logo of the site',
      answer: { mediaType: 'image/*', mayLack: true },
      async handle({ ctx }) {
        const logo = await world.read(({ site }) => site.logo());
        if (!logo) throw new Problem('not-found', 'This site has no logo.');
        ctx.set('Cache-Control', 'public, max-age=60');
        ctx.set('Content-Security-Policy', "default-src 'none'; sandbox");
        ctx.type = logo.type;
        return Buffer.from(logo.bytes);
      },
    }),
  ];
}

function traceIn({ requestId, sourceAddress }: Pick<Asked, 'requestId' | 'sourceAddress'>) {
  return { requestId, sourceAddress };
}

function testMail({ settings }: Pick<World, 'settings'>): { subject: string; text: string } {
  return {
    subject: 'Test mail',
    text: `This is a test mail of ${settings.organizationName} (${settings.publicUrl}).\n\nIt arrived: mails of the server leave the relay.\n`,
  };
}

function stepNamed(name: string | undefined): SetupStep {
  const id = setupSteps.find((one) => one === name);
  if (!id) throw new Problem('not-found', `The set-up has no such step; it has ${setupSteps.join(', ')}.`);
  return id;
}

async function stateOf({ world, fixed }: SetupParts): Promise<z.infer<typeof setup>> {
  const { site, facts } = await world.read(async (stores) => ({
    site: await stores.site.read(),
    facts: await stores.site.facts(),
  }));
  const named = site.name !== undefined || fixed.name !== undefined;
  const pending = pendingZone(site, fixed, world.settings.timeZone);
  return {
    steps: stepStates(site, facts, named),
    organisation: {
      name: fixed.name ?? site.name ?? '',
      address: site.address,
      ...(site.phone !== undefined && { phone: site.phone }),
      timeZone: fixed.timeZone ?? site.timeZone ?? world.settings.timeZone,
      languages: site.languages,
      logo: site.logo,
    },
    fixed: Object.entries(fixed).flatMap(([field, value]) => (value === undefined ? [] : [field])),
    ...(pending && { pending }),
  };
}

/** Dates are indexed by the zone, so another one waits until all processes agree on it. */
function pendingZone(site: Site, fixed: FixedWords, inUse: string) {
  const wanted = fixed.timeZone ?? site.timeZone;
  if (wanted === undefined || wanted === inUse) return undefined;
  const how =
    'Dates are indexed for the time zone in use. Stop all processes, run "npm run migrate", and start them again; where one process does everything, restart it.';
  return { timeZone: wanted, inUse, how };
}
