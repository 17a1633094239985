import { z } from 'zod';
import { oneByOne } from '../core/reports/one-by-one.ts';
import { previewReport } from '../core/reports/preview-report.ts';
import { mailWays, releasePlan } from '../core/reports/release-recipients.ts';
import type { World } from '../core/world.ts';
import { clientGone } from '../http/request/client-gone.ts';
import { apiRoute, type ApiRoute } from './api/api-route.ts';

const ofAdmins = { tag: 'Work', roles: ['admin'] } as const;
const params = { id: z.string().regex(/^[A-Za-z0-9.-]{1,64}$/, 'is a FHIR id') };

const plan = z.object({
  recipients: z.array(
    z.object({
      who: z.enum(['patient', 'other']),
      name: z.string().optional(),
      address: z.string().optional(),
      mail: z.enum(mailWays).describe('how it goes by mail, or why it does not; the portal has it in every case'),
      what: z.enum(['report', 'notice']),
    }),
  ),
  newVersion: z.boolean(),
  preview: z.boolean().describe('whether this process can print a preview'),
});

/** How many previews wait behind the one that is printed; the browser that prints them prints the reports, too. */
const mostWaiting = 3;

/** What an administrator looks at before a report is released: to whom it will go, and how it will look. */
export function releaseRoutes({ world }: { world: World }): ApiRoute[] {
  const places = oneByOne(mostWaiting, 'Several previews are being made. Try again in some seconds.');
  return [
    apiRoute({
      ...ofAdmins,
      method: 'get',
      path: '/portal/reviews/:id/release',
      summary: 'To whom the report goes when it is approved, and how',
      description: 'As of this moment, for a review whose approval waits.',
      event: 'portal:release-plan',
      params,
      answer: { schema: plan },
      async handle({ principal, params: { id = '' }, about }) {
        about({ entities: [`Task/${id}`] });
        const { patient, ...told } = await releasePlan(world, principal, id);
        about({ ...(patient !== undefined && { patients: [patient] }) });
        return told;
      },
    }),
    apiRoute({
      ...ofAdmins,
      method: 'post',
      path: '/portal/reviews/:id/preview',
      summary: 'The report as PDF before it is approved, with "Preview, not released" on every page',
      description:
        'Made as the report is made, and kept nowhere. One at a time, so that releases do not wait; 429 when several wait; not supported by a process without a browser (ROLE=api).',
      event: 'portal:report-preview',
      params,
      answer: { mediaType: 'application/pdf' },
      async handle({ principal, params: { id = '' }, about, ctx }) {
        about({ entities: [`Task/${id}`] });
        const asked = { principal, review: id, signal: clientGone(ctx.res) };
        const { pdf, patient } = await previewReport(world, places, asked);
        about({ ...(patient !== undefined && { patients: [patient] }) });
        ctx.type = 'application/pdf';
        ctx.set('Content-Disposition', 'inline; filename="preview.pdf"');
        ctx.body = Buffer.from(pdf);
        return undefined;
      },
    }),
  ];
}
