/** What every face needs is written once: a second parser of the same header is a second opinion about it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { expect, it } from 'vitest';

const server = join(import.meta.dirname, '../../server');
const sources = readdirSync(server, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({ path: relative(server, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }));

it.each<[string, RegExp, string[]]>([
  ['chooses what the caller accepts', /get\('Accept'\)(?!, )|\.accepts\w*\(|\bpreferredMediaTypes\b/i, []],
  ['reads Content-Type by itself', /\b(ctx|request)\.is\(|get\('Content-Type'\)\./, []],
  ['reads ranges', /get\('(If-)?Range'\)/i, ['http/answer/byte-range.ts']],
  ['reads the conditions of reads', /get\('If-Modified-Since'\)|\bctx\.(fresh|stale)|request\.(fresh|stale)/i, ['http/answer/conditional.ts']],
  ['reads If-None-Match', /get\('If-None-Match'\)/i, ['fhir/update.ts', 'http/answer/conditional.ts']], // `*`, to create only
  ['reads headers past koa', /\.headers?\??(\[|\.\[|\.(accept|range|if)\b)/, ['http/request/body.ts', 'http/request/client-address.ts']], // what becomes a channel never meets koa
  ['reads bodies', /\b(req|request|ctx)\.pipe\(|\b(req|request)\.(on\('data'|iterator\b)|of (ctx\.)?(req|request)\b(?!\.)|iterator\.call\(request/, ['http/request/body.ts', 'http/request/unwanted-body.ts']],
  ['collects a stream', /stream\/consumers/, ['http/self-request.ts', 'infrastructure/mail/mail-sink.ts']], // an answer to itself, a mail
  ['seals what goes through strangers', /createCipheriv/, ['http/answer/page-token.ts', 'infrastructure/secret-box.ts']],
  ['has a pool of threads', /new Worker\(/, ['infrastructure/threads/worker-pool.ts']],
  ['names the caller whose share is taken', /\$\{kind\} \$\{subject\}/, ['core/principal.ts']],
])('one place %s', (_, pattern, places) => {
  expect(sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path).toSorted()).toEqual(places);
}); // prettier-ignore
