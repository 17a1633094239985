/** The demo's own mailbox (demo mode only): mails that the embedded SMTP sink took; none left the machine. */
import { asFailure, failureOf } from './failure.ts';
import { jsonOf } from './http.ts';

export interface DemoMail {
  id: string;
  to: string[];
  subject: string;
  receivedAt: string;
  text: string;
  attachments: { name: string; contentType: string; size: number }[];
}

/** Newest first. @throws RequestFailure `not-found` outside demo mode. */
export async function demoMails(signal?: AbortSignal, send: typeof fetch = globalThis.fetch): Promise<DemoMail[]> {
  try {
    const response = await send('/api/demo/mailbox', {
      headers: { Accept: 'application/json' },
      signal: signal ?? null,
    });
    if (!response.ok) throw await failureOf(response);
    const mails = await jsonOf<DemoMail[]>(response);
    return [...mails].sort((a, b) => b.receivedAt.localeCompare(a.receivedAt));
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw asFailure(thrown);
  }
}

export function attachmentUrl(mail: DemoMail, index: number): string {
  return `/api/demo/mailbox/${encodeURIComponent(mail.id)}/attachments/${index}`;
}
