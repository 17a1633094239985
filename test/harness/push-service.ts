import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A push service and one browser that subscribed there (RFC 8030, 8188, 8291, 8292), written from the standards. */
export interface PushService {
  /** What the browser gives to `POST /portal/me/push`. */
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } };
  /** What came, oldest first. */
  taken: { text: string; headers: IncomingHttpHeaders; path: string; tokenIsGood: boolean }[];
  /** What the service answers from now on. */
  answer: number;
  close(): Promise<void>;
}

export async function startPushService(): Promise<PushService> {
  const browser = createECDH('prime256v1');
  const p256dh = browser.generateKeys();
  const auth = randomBytes(16);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { headers, url = '' } = request;
      const text = opened(Buffer.concat(chunks), { browser, p256dh, auth });
      service.taken.push({ text, headers, path: url, tokenIsGood: isGood(headers.authorization ?? '', origin) });
      response.writeHead(service.answer).end('Nobody reads this.');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const service: PushService = {
    subscription: {
      endpoint: `${origin}/push/${randomBytes(12).toString('hex')}`,
      keys: { p256dh: p256dh.toString('base64url'), auth: auth.toString('base64url') },
    },
    taken: [],
    answer: 201,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return service;
}

/** aes128gcm in one record (RFC 8188 2), its key by RFC 8291 3.4. */
function opened(
  body: Buffer,
  { browser, p256dh, auth }: { browser: ReturnType<typeof createECDH>; p256dh: Buffer; auth: Buffer },
): string {
  const [salt, length] = [body.subarray(0, 16), body[20]!];
  const sender = body.subarray(21, 21 + length);
  const sealed = body.subarray(21 + length);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, sender]);
  const secret = Buffer.from(hkdfSync('sha256', browser.computeSecret(sender), auth, info, 32));
  const derive = (what: string, size: number) =>
    Buffer.from(hkdfSync('sha256', secret, salt, `Content-Encoding: ${what}\0`, size));
  const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
  decipher.setAuthTag(sealed.subarray(-16));
  const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8');
}

/** `vapid t=JWT, k=key` (RFC 8292 3): ES256 by that key, for this origin, not for longer than a day. */
function isGood(authorization: string, origin: string): boolean {
  const [, token = '', key = ''] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? [];
  const [head = '', claims = '', signature = ''] = token.split('.');
  const point = Buffer.from(key, 'base64url');
  if (point.length !== 65) return false;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y! }, format: 'jwk' });
  const { aud, exp, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
  const isSigned = verify('sha256', Buffer.from(`${head}.${claims}`), { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
  return isSigned && aud === origin && Number(exp) <= Date.now() / 1000 + 86_400 && /^mailto:|^https:/.test(String(sub));
} // prettier-ignore
