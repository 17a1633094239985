import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Certificate } from './certificate.ts';

/** What a relay answers instead of taking the message: `[550, '5.1.1 no such person']`. */
export type RelayRefusal = [reply: number, words: string];

/** How a relay behaves; may be changed while it runs. */
export interface RelayScript {
  signIn?: RelayRefusal;
  sender?: RelayRefusal;
  recipient?: RelayRefusal;
  /** In answer to the message itself. */
  message?: RelayRefusal;
  /** Takes the message and hangs up without a word. */
  dropsAfterData?: boolean;
  /** Milliseconds before it answers to a recipient. */
  slow?: number;
}

export interface MailRelay {
  /** `smtp://127.0.0.1:port`, with STARTTLS unless it is `clear`; its certificate is signed by nobody, or the one that is given. */
  url: string;
  script: RelayScript;
  mails: { to: string[]; mail: Email }[];
  /** Nobody listens at its port until `back`. */
  away(): Promise<void>;
  back(): Promise<void>;
  close(): Promise<void>;
}

export interface RelayOptions {
  /** It has no STARTTLS, and takes everything in clear. */
  clear?: boolean;
  script?: RelayScript;
  certificate?: Certificate;
  /** Takes nothing from anybody else; they stand in the address then. */
  account?: { user: string; password: string };
}

/** A relay of a hospital: outside of all server processes, and nothing is taken in clear unless it is `clear`. */
export async function startMailRelay(options: RelayOptions = {}): Promise<MailRelay> {
  const { account } = options;
  const relay: Pick<MailRelay, 'script' | 'mails'> = { script: options.script ?? {}, mails: [] };
  let server = smtpServer(relay, options);
  const port = await listen(server, 0);
  const away = () => new Promise<void>((done) => server.close(() => done()));
  const who = account ? `${account.user}:${account.password}@` : '';
  return Object.assign(relay, {
    url: `smtp://${who}127.0.0.1:${port}`,
    away,
    async back() {
      server = smtpServer(relay, options);
      await listen(server, port);
    },
    close: away,
  });
}

function smtpServer(
  relay: Pick<MailRelay, 'script' | 'mails'>,
  { clear = false, certificate, account }: RelayOptions,
): SMTPServer {
  const refused = (refusal: RelayRefusal | undefined) =>
    refusal && Object.assign(new Error(refusal[1]), { responseCode: refusal[0] });
  const options: SMTPServerOptions = {
    ...certificate,
    authOptional: account === undefined,
    allowInsecureAuth: account === undefined,
    logger: false,
    ...(clear && { disabledCommands: ['STARTTLS'] }),
    onAuth({ username, password }, _session, done) {
      const isWrong = account && (username !== account.user || password !== account.password);
      const fault = refused(relay.script.signIn) ?? (isWrong ? new Error('Invalid username or password') : null);
      done(fault, { user: username ?? '' });
    },
    onMailFrom: (_address, session, done) =>
      done(refused(relay.script.sender) ?? (session.secure || clear ? null : new Error('Must issue a STARTTLS first'))),
    onRcptTo: (_address, _session, done) =>
      void sleep(relay.script.slow ?? 0).then(() => done(refused(relay.script.recipient) ?? null)),
    onData(stream, session, done) {
      const to = session.envelope.rcptTo.map(({ address }) => address);
      buffer(stream)
        .then(async (bytes) => {
          const refusal = refused(relay.script.message);
          if (refusal) return done(refusal);
          relay.mails.push({ to, mail: await PostalMime.parse(bytes) });
          if (relay.script.dropsAfterData) for (const one of connectionsOf(server)) one.close();
          else done();
        })
        .catch(done);
    },
  };
  const server = new SMTPServer(options);
  server.on('error', () => undefined);
  return server;
}

function connectionsOf(server: SMTPServer): { close(): void }[] {
  return [...(server as unknown as { connections: Set<{ close(): void }> }).connections];
}

async function listen(server: SMTPServer, port: number): Promise<number> {
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return (server.server.address() as AddressInfo).port;
}
