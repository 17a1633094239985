import Router from '@koa/router';
import type { State } from '../http/state.ts';

/** The mails that the demo's own SMTP sink took; none of them left this machine. */
export interface DemoMailbox {
  /** Newest first. */
  list(): object[];
  read(
    id: number,
  ): { mail: { attachments: { name: string; contentType: string }[] }; attachments: Uint8Array[] } | undefined;
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
  /** `provider`: what it runs on; `none` if it cannot, undefined if other processes run it. */
  model: { name: string; version: string; trained: boolean; provider: string | undefined } | undefined;
  /** Accounts that the sign-in page offers, in demo mode only. */
  demoAccounts: { email: string; role: string }[];
}

/**
 * What our own screens need and no standard offers. Public, because the landing page shows it: nothing here
 * is about a person. The demo mailbox exists in demo mode only; its mails are about invented patients.
 */
export function portalFace({ status, mailbox }: { status: () => PortalStatus; mailbox?: DemoMailbox }): Router<State> {
  const router = new Router<State>({ prefix: '/api' });
  router.get('/status', (ctx) => {
    ctx.set('Cache-Control', 'no-cache');
    ctx.body = status();
  });
  if (mailbox) {
    router.get('/demo/mailbox', (ctx) => {
      ctx.set('Cache-Control', 'no-store');
      ctx.body = mailbox.list();
    });
    router.get('/demo/mailbox/:id/attachments/:index', (ctx) => {
      const index = Number(ctx.params.index);
      const found = mailbox.read(Number(ctx.params.id));
      const attachment = found?.mail.attachments[index];
      ctx.set('Cache-Control', 'no-store');
      if (!attachment) {
        ctx.status = 404;
        ctx.body = { error: 'No such attachment.' };
        return;
      }
      ctx.attachment(attachment.name);
      ctx.type = attachment.contentType;
      ctx.body = Buffer.from(found!.attachments[index]!);
    });
  }
  return router;
}
