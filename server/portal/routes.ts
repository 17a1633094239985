import Router from '@koa/router';
import type { State } from '../http/state.ts';

/** A mail that the demo's own SMTP sink took; none of it left this machine. */
export interface DemoMail {
  id: string;
  to: string;
  subject: string;
  receivedAt: string;
  text: string;
  attachments: { name: string; contentType: string; size: number }[];
}

export interface DemoMailbox {
  list(): Promise<DemoMail[]>;
  attachment(mailId: string, index: number): Promise<{ contentType: string; name: string; content: Uint8Array } | undefined>;
}

export interface PortalStatus {
  mode: 'demo' | 'production';
  siteName: string;
  confidenceThreshold: number;
  model: { name: string; version: string; trained: boolean; provider: string } | undefined;
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
    router.get('/demo/mailbox', async (ctx) => {
      ctx.set('Cache-Control', 'no-store');
      ctx.body = await mailbox.list();
    });
    router.get('/demo/mailbox/:id/attachments/:index', async (ctx) => {
      const found = await mailbox.attachment(ctx.params.id!, Number(ctx.params.index));
      if (!found) {
        ctx.status = 404;
        ctx.body = { error: 'No such attachment.' };
        return;
      }
      ctx.set('Cache-Control', 'no-store');
      ctx.attachment(found.name);
      ctx.type = found.contentType;
      ctx.body = Buffer.from(found.content);
    });
  }
  return router;
}
