import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { eventually } from './calls.ts';
import { localCertificate } from './certificate.ts';
import { emptyDatabase } from './database.ts';
import { startMailRelay, type MailRelay } from './mail-relay.ts';
import { manage, type Managed } from './manage.ts';
import { keyNamed } from './secrets.ts';
import { backendKey, startServerProcess, temporaryFolder, type ServerProcess } from './server-process.ts';
import { startTlsProxy } from './tls-proxy.ts';

/** A hospital's installation as docs/operations.md has it, on this machine. */
export interface Production {
  /** What users and systems see: `https://localhost:port`. */
  url: string;
  environment: Record<string, string>;
  /** PEM of what the proxy and the relay show. */
  certificate: string;
  relay: MailRelay;
  databaseUrl: string;
  dataDir: string;
  manage(...args: string[]): Promise<Managed>;
  /** Starts processes of these roles; the proxy forwards to those that answer. */
  start(...roles: string[]): Promise<ServerProcess[]>;
  /** Ends them all; the proxy, the relay and the database stay. */
  stopServers(): Promise<void>;
  /** Waits for a mail to an address whose text fits, and gives the text; earlier ones first. */
  mailTo(address: string, pattern: RegExp): Promise<string>;
  close(): Promise<void>;
}

/**
 * Proxy with TLS, relay with STARTTLS and a password, a database in which there is nothing, a folder, and the settings
 * that production asks for. Both certificates are checked by everybody.
 *
 * @param more further settings.
 */
export async function prepareProduction(more: Record<string, string> = {}): Promise<Production> {
  const certificate = localCertificate();
  const [folder, database, relay, proxy, key] = await Promise.all([
    temporaryFolder(),
    emptyDatabase(),
    startMailRelay({ certificate, account: { user: 'csss', password: 'of-the-relay' } }),
    startTlsProxy(certificate),
    backendKey(),
  ]);
  const authority = join(folder.path, 'authority.pem');
  await writeFile(authority, certificate.cert);
  const authorities = getCACertificates('default');
  setDefaultCACertificates([...authorities, certificate.cert]); // for `fetch` of the test itself
  const environment: Record<string, string> = {
    CSSS_MODE: 'production',
    PUBLIC_URL: proxy.url,
    TRUSTED_PROXIES: '127.0.0.1',
    DATABASE_URL: database.url,
    DATA_DIR: folder.path,
    SECRET_KEYS: keyNamed('production').toString('base64'),
    SMTP_URL: relay.url,
    MAIL_FROM: 'radiology@clinic.example',
    NODE_EXTRA_CA_CERTS: authority,
    DRAIN_SECONDS: '0',
    ...more,
  };
  const running: ServerProcess[] = [];
  const stopServers = async () => {
    for (const one of running.splice(0)) await one.end();
  };
  return {
    url: proxy.url,
    environment,
    certificate: certificate.cert,
    relay,
    databaseUrl: database.url,
    dataDir: folder.path,
    manage: (...args) => manage(environment, ...args),
    async start(...roles) {
      const started = await Promise.all(
        roles.map((ROLE) =>
          startServerProcess({ environment: { ...environment, ROLE, BACKEND_CLIENT_JWKS: '' }, key }),
        ),
      );
      running.push(...started);
      proxy.forwardTo(...started.filter((_one, at) => roles[at] !== 'worker').map(({ port }) => port));
      return started;
    },
    stopServers,
    mailTo: (address, pattern) =>
      eventually(
        async () => {
          const found = relay.mails.find(({ to, mail }) => to.includes(address) && pattern.test(mail.text ?? ''));
          return found?.mail.text;
        },
        `a mail to ${address} with ${String(pattern)}`,
      ),
    async close() {
      await stopServers();
      setDefaultCACertificates(authorities);
      await Promise.all([proxy.close(), relay.close()]);
      await database.drop();
      await folder.remove();
    },
  };
}
