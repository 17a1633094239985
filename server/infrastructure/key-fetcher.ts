import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { KeyFetcher } from '../core/accounts/clients/key-sets.ts';
import { Problem } from '../core/problem.ts';
import { codeOf, outsideAddresses, outsideUrl, pinned, tooSlow, type OutsideRules } from './outside-address.ts';

export type FetchRules = Pick<OutsideRules, 'hosts' | 'loopback' | 'resolve'>;

const patienceMs = 5_000;
const mostBytes = 64 * 1024;

/**
 * Fetches key sets from addresses that others chose (SMART 2.2 "jwks_uri"), so that nobody can make the server ask its own
 * network: https, no redirects, an address that was checked and is then connected to (a name that resolves to another one
 * the next moment changes nothing), little time, little size.
 *
 * Refusals say what is wrong for the administrator, and nothing of what was read.
 */
export function keyFetcher(named: FetchRules): KeyFetcher {
  const rules: OutsideRules = {
    ...named,
    field: 'jwksUri',
    danger: 'put other keys in its place',
    setting: 'JWKS_HOSTS',
  };
  return {
    check: (url) => void outsideUrl(url, rules),
    async read(url) {
      const target = outsideUrl(url, rules);
      const signal = AbortSignal.timeout(patienceMs);
      return ask(target, await outsideAddresses(target, rules, signal), signal);
    },
  };
}

async function ask(
  url: URL,
  addresses: string[],
  signal: AbortSignal,
): Promise<{ set: unknown; maxAge: number | undefined }> {
  const options: RequestOptions = {
    method: 'GET',
    headers: {
      Accept: 'application/jwk-set+json, application/json',
      'Accept-Encoding': 'identity',
      'User-Agent': 'csss',
    },
    agent: false,
    signal,
    lookup: pinned(addresses),
  };
  const response = await new Promise<IncomingMessage>((done, fail) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    send(url, options, done).once('error', fail).end();
  }).catch((cause: unknown) => {
    throw signal.aborted ? tooSlow() : new Problem('transient', `The address cannot be reached: ${codeOf(cause)}.`, { cause }); // prettier-ignore
  });
  try {
    checkAnswer(response);
    const set = parsed(await bytesOf(response, signal));
    return { set, maxAge: maxAgeOf(response.headers) };
  } finally {
    response.destroy();
  }
}

function checkAnswer({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode >= 300 && statusCode < 400)
    throw new Problem('value', `The address redirects (${statusCode}). Redirects are not followed: register the address where the keys are.`); // prettier-ignore
  if (statusCode !== 200) throw new Problem('transient', `The address answers ${statusCode} instead of 200.`);
  const { 'content-encoding': coding } = headers;
  if (coding !== undefined && coding !== 'identity') throw new Problem('value', 'The address sends a compressed answer, which was not asked for.'); // prettier-ignore
}

async function bytesOf(response: IncomingMessage, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostBytes) throw new Problem('value', `The answer is larger than ${mostBytes / 1024} KiB, which no key set is.`); // prettier-ignore
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw signal.aborted ? tooSlow() : new Problem('transient', 'The answer ended early.', { cause });
  }
  return Buffer.concat(chunks);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new Problem('value', 'The answer is no JSON.', { cause });
  }
}

/** Seconds that Cache-Control gives (RFC 9111 5.2.2); 0 if it is not to be kept. */
function maxAgeOf({ 'cache-control': header }: IncomingMessage['headers']): number | undefined {
  if (header === undefined) return undefined;
  if (/(?:^|[\s,])no-(?:store|cache)\b/i.test(header)) return 0;
  const found = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,9})/i.exec(header);
  return found ? Number(found[1]) : undefined;
}
