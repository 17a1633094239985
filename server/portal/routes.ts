import { z } from 'zod';
import { Problem } from '../core/problem.ts';
import { apiRoute, type ApiRoute } from './api/api-route.ts';

/** The mails that the demo's own SMTP sink took; none of them left this machine. */
export interface DemoMailbox {
  /** Newest first. */
  list(): object[];
  read(
    id: number,
  ): { mail: { attachments: { name: string; contentType: string }[] }; attachments: Uint8Array[] } | undefined;
}

export interface StatedModel {
  name: string;
  version: string;
  trained: boolean;
  provider: string | undefined;
  /** 0..1: what this very model reached on test images that it had not seen; undefined if it was never measured. */
  accuracy: number | undefined;
  /** How many images that was measured on. */
  testImages: number | undefined;
}

export interface PortalStatus {
  mode: 'demo' | 'production';
  siteName: string;
  /** Whether there is one, at `/api/logo`. */
  logo: boolean;
  /** BCP 47: those of the site, the usual one first; empty if nobody has said. */
  languages: string[];
  /** IANA name: the day on our pages is that of the site, wherever the browser is. */
  timeZone: string;
  confidenceThreshold: number;
  /** Minutes after which a page that nobody uses is covered; 0: never. */
  idleMinutes: number;
  /** `provider`: what it runs on; `none` if it cannot, undefined if other processes run it. */
  model: StatedModel | undefined;
  /** Accounts that the sign-in page offers, in demo mode only. */
  demoAccounts: { email: string; role: string }[];
}

const shownStatus = z.object({
  mode: z.enum(['demo', 'production']),
  siteName: z.string(),
  logo: z.boolean(),
  languages: z.array(z.string()),
  timeZone: z.string(),
  confidenceThreshold: z.number(),
  idleMinutes: z.number(),
  model: z
    .object({
      name: z.string(),
      version: z.string(),
      trained: z.boolean(),
      provider: z.string().optional(),
      accuracy: z.number().optional(),
      testImages: z.number().int().optional(),
    })
    .optional(),
  demoAccounts: z.array(z.object({ email: z.string(), role: z.string() })),
});

/**
 * What our own screens need and no standard offers. Public, because the landing page shows it: nothing here
 * is about a person. The demo mailbox exists in demo mode only; its mails are about invented patients.
 */
export function statusRoutes({
  status,
  mailbox,
}: {
  status: () => Promise<PortalStatus>;
  mailbox?: DemoMailbox;
}): ApiRoute[] {
  return [
    apiRoute({
      method: 'get',
      path: '/api/status',
      summary: 'Name, time zone and model of this site',
      tag: 'Site',
      roles: 'public',
      answer: { schema: shownStatus },
      async handle({ ctx }) {
        ctx.set('Cache-Control', 'no-cache');
        return status();
      },
    }),
    ...(mailbox ? mailboxRoutes(mailbox) : []),
  ];
}

function mailboxRoutes(mailbox: DemoMailbox): ApiRoute[] {
  const ofDemo = { method: 'get', tag: 'Demo', roles: 'public' } as const;
  return [
    apiRoute({
      ...ofDemo,
      path: '/api/demo/mailbox',
      summary: 'Mails of the demo, newest first',
      answer: { schema: z.array(z.looseObject({ id: z.number().int(), subject: z.string() })) },
      handle: async () => mailbox.list(),
    }),
    apiRoute({
      ...ofDemo,
      path: '/api/demo/mailbox/:id/attachments/:index',
      summary: 'An attachment of a mail of the demo',
      answer: { mediaType: 'application/pdf' },
      async handle({ params, ctx }) {
        const index = Number(params['index']);
        const found = mailbox.read(Number(params['id']));
        const attachment = found?.mail.attachments[index];
        if (!attachment) throw new Problem('not-found', 'No such attachment.');
        ctx.attachment(attachment.name);
        ctx.type = attachment.contentType;
        return Buffer.from(found!.attachments[index]!);
      },
    }),
  ];
}
