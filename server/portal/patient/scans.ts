import { z } from 'zod';
import { scansOf } from '../../core/patient/scans.ts';
import type { Principal } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';
import type { World } from '../../core/world.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';

const states = ['received', 'read', 'read-again', 'checked', 'ready', 'corrected', 'new-image', 'cancelled', 'withdrawn'] as const; // prettier-ignore
const events = ['received', 'read', 'medication', 'released', 'corrected', 'new-image', 'cancelled', 'withdrawn'] as const; // prettier-ignore

const scan = z.object({
  review: z.string().describe('id of the coordination Task'),
  state: z.enum(states),
  study: z
    .object({
      id: z.string(),
      uid: z.string().optional(),
      modality: z.string().optional().describe('as DICOM has it (CR, DX, CT ...)'),
      bodyPart: z.string().optional().describe('SNOMED CT code, else the words of the image'),
      takenOn: z.string().optional(),
      images: z.number().int(),
    })
    .optional(),
  receivedAt: z.string(),
  reason: z
    .object({ code: z.string().optional(), text: z.string().optional() })
    .optional()
    .describe('why a new image is needed'),
  happened: z.array(z.object({ kind: z.enum(events), at: z.string(), who: z.string().optional() })),
  sent: z.array(
    z.object({
      kind: z.enum(['report', 'news', 'withdrawal']),
      state: z.enum(['waiting', 'sent', 'failed', 'called-off']),
      to: z.string().optional(),
      at: z.string(),
    }),
  ),
});

/** The own scans in the words of a patient: how far each is, what happened, and what was sent to whom. */
export function scanRoutes({ world }: { world: World }): ApiRoute[] {
  return [
    apiRoute({
      method: 'get',
      path: '/portal/me/scans',
      tag: 'My scans',
      roles: ['patient'],
      event: 'portal:my-scans',
      summary: 'My scans, newest first: what each is, how far it is, what happened when, and what was sent where',
      description:
        'Withdrawn reports stand on the first page: that there was one, and nothing of what it said. Nothing of the AI is in it.',
      query: z.strictObject({
        after: z.string().max(2000).optional().describe('`next` of the page before'),
        limit: z.coerce.number().int().min(1).max(50).default(20),
      }),
      answer: {
        schema: z.object({
          scans: z.array(scan),
          total: z.number().int(),
          ready: z.number().int(),
          waiting: z.number().int(),
          next: z.string().optional(),
        }),
      },
      async handle({ principal, query: { after, limit }, about }) {
        about({ patients: [patientIn(principal)] });
        const page = { limit, ...(after !== undefined && { after: opened(world, principal, after) }) };
        const { next, ...found } = await scansOf(world, principal, page);
        return { ...found, ...(next !== undefined && { next: world.secrets.seal(next, placeOf(principal)) }) };
      },
    }),
  ];
}

/** @throws Problem `forbidden` for an account that is nobody's record. */
export function patientIn({ fhirUser }: Principal): string {
  const own = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(fhirUser ?? '')?.[1];
  if (own === undefined) throw new Problem('forbidden', 'This account is not tied to a patient.');
  return own;
}

const placeOf = ({ subject }: Principal): string => `scans ${subject}`;

function opened({ secrets }: Pick<World, 'secrets'>, principal: Principal, token: string): string {
  try {
    return secrets.open(token, placeOf(principal));
  } catch (cause) {
    throw new Problem('value', 'The page is not known here; start again at the first one.', { cause, expression: 'query.after' }); // prettier-ignore
  }
}
