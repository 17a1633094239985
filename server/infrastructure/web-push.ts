import { createPublicKey } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import webPush from 'web-push';
import { Problem } from '../core/problem.ts';
import type { Pusher } from '../core/notices/pusher.ts';
import { codeOf, outsideAddresses, outsideUrl, pinned, tooSlow, type OutsideRules } from './outside-address.ts';

/** The pair with which browsers and push services know this server (RFC 8292). */
export interface PushKeys {
  publicKey: string;
  privateKey: string;
}

export const makePushKeys = (): PushKeys => webPush.generateVAPIDKeys();

const patienceMs = 5_000;
/** Seconds that a push service keeps a message for a browser that is away. */
const lifetime = 24 * 60 * 60;
/** Of messages that wait, one is enough: each says the same (RFC 8030 5.4). */
const topic = 'csss-news';

/**
 * Sends to addresses that browsers name, by the library's encryption and our own connection: https to public hosts only,
 * no redirects, a checked address that is then connected to, little time, an answer of which nothing but the status is read.
 *
 * @param options.subject whom a push service can ask about us: `mailto:` or `https:`.
 */
export function webPusher(
  keys: PushKeys,
  { subject, ...named }: Pick<OutsideRules, 'loopback' | 'resolve'> & { subject: string },
): Pusher {
  const rules: OutsideRules = { ...named, hosts: [], field: 'endpoint', danger: 'read to whom we write' };
  return {
    publicKey: keys.publicKey,
    check({ endpoint, keys: { p256dh, auth } }) {
      outsideUrl(endpoint, rules);
      mustBeKeys(p256dh, auth);
    },
    async send(target, message, { urgent }) {
      const url = outsideUrl(target.endpoint, rules);
      const signal = AbortSignal.timeout(patienceMs);
      const addresses = await outsideAddresses(url, rules, signal);
      const { headers, body } = webPush.generateRequestDetails(target, message, {
        vapidDetails: { subject, ...keys },
        TTL: lifetime,
        topic,
        urgency: urgent ? 'high' : 'normal',
        contentEncoding: 'aes128gcm',
      });
      return outcomeOf(await statusOf(url, { headers, body, addresses, signal }));
    },
  };
}

/** The uncompressed point on P-256 and the 16 bytes of a browser (RFC 8291 3.2). */
function mustBeKeys(p256dh: string, auth: string): void {
  const point = Buffer.from(p256dh, 'base64url');
  if (!isOnCurve(point)) throw new Problem('value', 'keys.p256dh is no public key of a browser.', { expression: 'keys.p256dh' });
  if (Buffer.from(auth, 'base64url').length !== 16) throw new Problem('value', 'keys.auth is no secret of a browser.', { expression: 'keys.auth' });
} // prettier-ignore

function isOnCurve(point: Buffer): boolean {
  if (point.length !== 65 || point[0] !== 4) return false;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y! }, format: 'jwk' }).type === 'public';
  } catch {
    return false;
  }
}

async function statusOf(
  url: URL,
  {
    headers,
    body,
    addresses,
    signal,
  }: { headers: Record<string, unknown>; body: Buffer | null; addresses: string[]; signal: AbortSignal },
): Promise<number> {
  const answer = await new Promise<IncomingMessage>((done, fail) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(
      url,
      { method: 'POST', headers: headers as Record<string, string>, agent: false, signal, lookup: pinned(addresses) },
      done,
    );
    request.once('error', fail).end(body ?? undefined);
  }).catch((cause: unknown) => {
    throw signal.aborted ? tooSlow() : new Problem('transient', `The push service cannot be reached: ${codeOf(cause)}.`, { cause }); // prettier-ignore
  });
  answer.on('error', () => undefined).destroy();
  return answer.statusCode ?? 0;
}

/** RFC 8030 5 and 7.3: 404 and 410 end a subscription; what the service refuses for good is no use either. */
function outcomeOf(status: number): 'taken' | 'gone' {
  if (status >= 200 && status < 300) return 'taken';
  if (status === 408 || status === 429 || status >= 500)
    throw new Problem('transient', `The push service answers ${status}.`);
  return 'gone';
}

/** Where the site does not want browsers to be told. */
export const noPusher: Pusher = {
  publicKey: undefined,
  check: () => {
    throw new Problem('not-supported', 'This site does not tell browsers that there is news (WEB_PUSH).');
  },
  send: async () => 'gone',
};
