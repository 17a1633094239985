import { ensureAccount } from '../../server/core/accounts/account.ts';
import { normalise } from '../../server/core/accounts/sign-in/password.ts';
import type { Role } from '../../server/core/principal.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { eventually } from './calls.ts';
import type { TestServer } from './server.ts';
import { Browser, signIn, type Tokens } from './sign-in.ts';

// People as they come to a site: by mails, links and forms.

export interface Mail {
  id: number;
  to: string[];
  subject: string;
  text: string;
}

export const goodPassword = 'seven quiet lanterns over water';

export async function mailsTo(server: TestServer, address: string): Promise<Mail[]> {
  const mails = (await (await fetch(`${server.url}/api/demo/mailbox`)).json()) as Mail[];
  return mails.filter(({ to }) => to.includes(address));
}

/** The newest mail to an address whose subject has these words, when it is there. */
export function mailTo(server: TestServer, address: string, subject: RegExp, after = 0): Promise<Mail> {
  return eventually(
    async () => (await mailsTo(server, address)).find((mail) => subject.test(mail.subject) && mail.id > after),
    `a mail to ${address} about ${subject}`,
  );
}

/** The path of the link in a mail. */
export function linkIn({ text }: Mail): string {
  const found = /https?:\/\/[^\s/]+(\/account\/[a-z-]+\/[\w-]{43})/.exec(text);
  if (!found) throw new Error(`no link in: ${text}`);
  return found[1]!;
}

/** One of our pages with its form, as a browser without script has it. */
export async function openForm(server: TestServer, path: string, browser = new Browser(server.url)) {
  const page = await browser.request(path);
  const html = await page.text();
  const proof = /name="proof" value="([^"]+)"/.exec(html)?.[1] ?? '';
  const submit = async (fields: Record<string, string>) => {
    const { response } = await browser.post(path, new URLSearchParams({ proof, ...fields }));
    return { status: response.status, html: await response.text(), headers: response.headers };
  };
  return { status: page.status, html, headers: page.headers, submit };
}

/** Calls of our own screens. */
export function screens(server: Pick<TestServer, 'url'>, token: string) {
  return async <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = (text === '' ? undefined : JSON.parse(text)) as T;
    const issue = (json as { issue?: { diagnostics?: string; details?: { text?: string } }[] } | undefined)?.issue?.[0];
    return { status: response.status, body: json, message: issue?.details?.text ?? issue?.diagnostics ?? '' };
  };
}

/** Somebody of staff with a record of their own, who signs in by password. */
export async function colleague(
  server: TestServer,
  name: string,
  role: Exclude<Role, 'patient'>,
): Promise<{ id: string; email: string; tokens: Tokens }> {
  const id = `colleague-${name}`;
  await writeInTransaction(server.system.world, systemPrincipal('test'), {
    method: 'update',
    id,
    resource: { resourceType: 'Practitioner', id, name: [{ given: [name], family: 'Colleague' }] },
  });
  const email = `${name}@staff.example`;
  const account = await ensureAccount(server.system.world, server.system.passwords, {
    email,
    password: goodPassword,
    role,
    displayName: `${name} Colleague`,
    fhirUser: `Practitioner/${id}`,
  });
  return { id: account.id, email, tokens: await signIn(server.url, { email, password: goodPassword }) };
}

/** What the page of the invitation does: it sets the first password. */
export async function answerInvitation(server: TestServer, accountId: string): Promise<void> {
  const hash = await server.system.passwords.hash(normalise(goodPassword));
  await server.system.world.transaction(({ accounts }) => accounts.setPasswordHash(accountId, hash));
}
