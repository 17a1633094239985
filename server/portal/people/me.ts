/** What people do with their own account. */
import { z } from 'zod';
import { askForAddress } from '../../core/accounts/people/change-address.ts';
import { changeName } from '../../core/accounts/people/change-name.ts';
import { changePassword, checkOwnPassword, type PasswordParts } from '../../core/accounts/sign-in/change-password.ts';
import { countCodeTry, takePatientCode } from '../../core/accounts/people/patient-code.ts';
import type { Person } from '../../core/accounts/people/people-store.ts';
import { auditAccount } from '../../core/accounts/people/account-audit.ts';
import { decideConsent } from '../../core/patient/consent.ts';
import { lockSelf } from '../../core/patient/self.ts';
import type { Principal } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';
import type { World, WriteContext } from '../../core/world.ts';
import { tieAccount } from '../../core/workflow/patients/tie-account.ts';
import { apiRoute, everyRole, type ApiRoute } from '../api/api-route.ts';
import { inTransaction, namePartsIn, type UserRoutesParts } from './users.ts';
import { role } from './user-json.ts';

export type MyRoutesParts = UserRoutesParts & PasswordParts;

const tag = 'My account';
const password = z.string().max(1024);
const namePart = z.string().trim().max(100);
const nameParts = z.strictObject({ prefix: namePart.optional(), given: namePart, family: namePart });

const language = z.string().max(35).refine(isLanguage, 'is not the name of a language, such as en or de-CH');

const mine = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  nameParts: nameParts.optional(),
  role,
  person: z.string(),
  language: z.string().optional(),
  notifications: z.object({ reportReady: z.boolean() }),
  verified: z.boolean(),
  tied: z.boolean(),
  passwordChangedAt: z.string().optional(),
});

const change = z.strictObject({
  language: language.optional(),
  notifications: z.strictObject({ reportReady: z.boolean() }).optional(),
  name: nameParts.optional(),
});

export function myRoutes(parts: MyRoutesParts): ApiRoute[] {
  const { world, forgetChecks } = parts;
  const common = { tag, roles: everyRole } as const;
  return [
    apiRoute({
      ...common,
      method: 'get',
      path: '/portal/me',
      summary: 'My account',
      answer: { schema: mine },
      handle: ({ principal }) => meJson(world, principal),
    }),
    apiRoute({
      ...common,
      method: 'patch',
      path: '/portal/me',
      summary: 'Change name, language and notifications',
      event: 'portal:me-change',
      body: change,
      answer: { schema: mine },
      async handle(asked) {
        await inTransaction(world, asked, (context) => changeMe(context, asked.body));
        return meJson(world, asked.principal);
      },
    }),
    apiRoute({
      ...common,
      method: 'post',
      path: '/portal/me/password',
      summary: 'Change the password; all other sign-ins and connected apps end',
      event: 'portal:me-password',
      fresh: true,
      body: z.strictObject({ current: password, next: password }),
      answer: {},
      async handle({ principal, body, requestId, sourceAddress }) {
        await changePassword(world, parts, principal, body, { requestId, sourceAddress });
        forgetChecks();
      },
    }),
    apiRoute({
      ...common,
      method: 'post',
      path: '/portal/me/email',
      summary: 'Ask for another e-mail address: it counts when the link that is mailed there was used',
      event: 'portal:me-email',
      fresh: true,
      body: z.strictObject({ email: z.string().max(254), current: password }),
      answer: { status: 202, schema: z.object({ email: z.string() }) },
      async handle(asked) {
        await checkOwnPassword(world, parts, asked.principal, asked.body.current);
        await inTransaction(world, asked, async (context) => askForAddress(context, await lockMe(context), asked.body.email)); // prettier-ignore
        return { email: asked.body.email.trim() };
      },
    }),
    apiRoute({
      tag,
      roles: ['patient'],
      method: 'post',
      path: '/portal/me/patient-code',
      summary: 'Tie my account to the record for which the clinic gave me a code',
      event: 'portal:me-patient-code',
      body: z.strictObject({ code: z.string().max(100) }),
      answer: { schema: mine },
      async handle(asked) {
        const { principal, body } = asked;
        await countCodeTry(world, principal.subject);
        await inTransaction(world, asked, async (context) => {
          const patient = await takePatientCode(context, body.code);
          await tieAccount(context, principal.subject, patient);
          await context.stores.patientCodes.forgetTries(principal.subject);
        });
        forgetChecks();
        return meJson(world, principal);
      },
    }),
  ];
}

async function changeMe(context: WriteContext, wanted: z.infer<typeof change>): Promise<void> {
  const person = await lockMe(context);
  if (wanted.name) {
    const { given, family, prefix } = wanted.name;
    await changeName(context, person, { name: { given, family, prefix: prefix ?? '' } });
  }
  // Of a patient it is a consent, too: both are one decision.
  if (wanted.notifications && person.role === 'patient')
    await decideConsent(context, await lockSelf(context), 'report-by-mail', wanted.notifications.reportReady);
  const settings = {
    ...(wanted.language !== undefined && { language: Intl.getCanonicalLocales(wanted.language)[0]! }),
    ...(wanted.notifications && { notifyReport: wanted.notifications.reportReady }),
  };
  if (Object.keys(settings).length === 0) return;
  await context.stores.people.change(person.id, settings);
  await auditAccount(context, 'account:settings', person);
}

async function lockMe({ stores, principal }: WriteContext): Promise<Person> {
  const person = await stores.people.lock(principal.subject);
  if (!person || person.disabled) throw new Problem('not-found', 'Your account is not there any more.');
  return person;
}

function meJson(world: World, { subject }: Principal): Promise<z.infer<typeof mine>> {
  return world.read(async (stores) => {
    const person = await stores.people.byId(subject);
    if (!person) throw new Problem('not-found', 'Your account is not there any more.');
    const parts = await namePartsIn(stores, person);
    return {
      id: person.id,
      email: person.email,
      name: person.displayName,
      ...(parts && { nameParts: parts }),
      role: person.role,
      person: person.fhirUser,
      ...(person.language !== undefined && { language: person.language }),
      notifications: { reportReady: person.notifyReport },
      verified: person.verifiedAt !== undefined,
      tied: person.tied,
      ...(person.passwordChangedAt && { passwordChangedAt: person.passwordChangedAt.toISOString() }),
    };
  });
}

function isLanguage(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}
