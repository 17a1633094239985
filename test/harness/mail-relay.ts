import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { Certificate } from './certificate.ts';

export interface MailRelay {
  /** `smtp://127.0.0.1:port`, with STARTTLS; its certificate is signed by nobody, or the one that is given. */
  url: string;
  mails: { to: string[]; mail: Email }[];
  close(): Promise<void>;
}

export interface RelayOptions {
  certificate?: Certificate;
  /** Takes nothing from anybody else; they stand in the address then. */
  account?: { user: string; password: string };
}

/** A relay of a hospital: outside of all server processes, and nothing is taken in clear. */
export async function startMailRelay({ certificate, account }: RelayOptions = {}): Promise<MailRelay> {
  const mails: MailRelay['mails'] = [];
  const server = new SMTPServer({
    ...certificate,
    authOptional: account === undefined,
    logger: false,
    onAuth({ username, password }, _session, done) {
      const right = username === account?.user && password === account?.password;
      done(right ? null : new Error('Invalid username or password'), right ? { user: username } : undefined);
    },
    onMailFrom: (_address, session, done) => done(session.secure ? null : new Error('Must issue a STARTTLS first')),
    onData(stream, session, done) {
      const to = session.envelope.rcptTo.map(({ address }) => address);
      buffer(stream)
        .then(async (bytes) => {
          mails.push({ to, mail: await PostalMime.parse(bytes) });
          done();
        })
        .catch(done);
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.server.address() as AddressInfo;
  const who = account ? `${account.user}:${account.password}@` : '';
  return {
    url: `smtp://${who}127.0.0.1:${port}`,
    mails,
    close: () => new Promise((done) => server.close(() => done())),
  };
}
