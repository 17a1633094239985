import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface MailRelay {
  /** `smtp://127.0.0.1:port`, with STARTTLS; its certificate is signed by nobody. */
  url: string;
  mails: { to: string[]; mail: Email }[];
  close(): Promise<void>;
}

/** A relay of a hospital: outside of all server processes, and nothing is taken in clear. */
export async function startMailRelay(): Promise<MailRelay> {
  const mails: MailRelay['mails'] = [];
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
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
  return { url: `smtp://127.0.0.1:${port}`, mails, close: () => new Promise((done) => server.close(() => done())) };
}
