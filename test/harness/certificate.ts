import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

export interface Certificate {
  /** PEM; it is its own authority, so who trusts it (NODE_EXTRA_CA_CERTS) checks it like any other. */
  cert: string;
  key: string;
}

/** A certificate for `localhost`, 127.0.0.1 and ::1 (RFC 5280), good for a day: what a hospital has from its authority. */
export function localCertificate(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = toBeSigned(publicKey);
  const signature = sign('sha256', body, privateKey);
  const whole = sequence(body, ecdsaWithSha256, bits(signature));
  const lines = whole.toString('base64').match(/.{1,64}/g)!;
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const day = 24 * 60 * 60 * 1000;

function toBeSigned(publicKey: KeyObject): Buffer {
  const name = sequence(set(sequence(objectId('550403'), der(0x0c, Buffer.from('localhost'))))); // commonName
  const validity = sequence(time(Date.now() - day / 24), time(Date.now() + day));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const serial = Buffer.concat([Buffer.from([0x40]), randomBytes(15)]);
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  return sequence(version, der(0x02, serial), ecdsaWithSha256, name, validity, name, spki, der(0xa3, extensions()));
}

function extensions(): Buffer {
  const yes = der(0x01, Buffer.from([0xff]));
  const names = [
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.from([127, 0, 0, 1])),
    der(0x87, Buffer.from([...Array<number>(15).fill(0), 1])),
  ];
  return sequence(
    sequence(objectId('551d13'), yes, der(0x04, sequence(yes))), // basicConstraints: an authority
    sequence(objectId('551d11'), der(0x04, sequence(...names))), // subjectAltName
  );
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function set(part: Buffer): Buffer {
  return der(0x31, part);
}

function bits(content: Buffer): Buffer {
  return der(0x03, Buffer.concat([Buffer.from([0]), content]));
}

function objectId(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function time(at: number): Buffer {
  const text = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(text.slice(2))); // UTCTime has two digits of the year
}

const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'));
