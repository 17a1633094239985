import { z } from 'zod';
import { everyRole, type ApiDeclaration } from './api-route.ts';

const fhirId = z.string().regex(/^[A-Za-z0-9.-]{1,64}$/);

/** What other parts of the server answer, by protocols of their own, and what belongs into the same document. */
export const describedRoutes: readonly ApiDeclaration[] = [
  {
    method: 'get',
    path: '/healthz',
    summary: 'The process answers and can be helped by waiting',
    description: 'For what starts processes: 503 with the reason when only a restart helps.',
    tag: 'Operation',
    roles: 'public',
    answer: { schema: z.object({ status: z.enum(['up', 'down']), reason: z.string().optional() }) },
  },
  {
    method: 'get',
    path: '/readyz',
    summary: 'The process can do its work',
    description: 'For load balancers: 503 when it cannot, and from the moment it is told to stop.',
    tag: 'Operation',
    roles: 'public',
    answer: {
      schema: z.looseObject({
        ready: z.boolean(),
        components: z.record(z.string(), z.string()).describe('"up", or what is wrong'),
        degraded: z.array(z.string()).describe('down while everything else works'),
      }),
    },
  },
  {
    method: 'get',
    path: '/.well-known/smart-configuration',
    summary: 'Where to sign in, get tokens and register apps (SMART App Launch 2.2)',
    tag: 'Apps',
    roles: 'public',
    answer: { schema: z.looseObject({ issuer: z.url(), authorization_endpoint: z.url(), token_endpoint: z.url() }) },
  },
  {
    method: 'post',
    path: '/smart/launch',
    summary: 'Prepare the launch of an app (SMART "EHR launch")',
    description: 'The caller opens the address that is answered; the launch is good once, for five minutes. Refusals are OAuth errors.',
    tag: 'Apps',
    roles: everyRole,
    body: z.object({
      client: z.string().describe('client id of the app'),
      patient: fhirId.optional(),
      encounter: fhirId.optional(),
      imagingStudy: fhirId.optional(),
    }),
    answer: { status: 201, schema: z.object({ launch: z.string(), url: z.url() }) },
  },
]; // prettier-ignore
