/** Writes an answer as HTTP (FHIR http.html): representation, version headers, Prefer return. */
import type { Context } from 'koa';
import type { Resource } from '@medplum/fhirtypes';
import { inTurns } from '../core/in-turns.ts';
import type { World } from '../core/world.ts';
import { entityTag } from '../core/records/entity-tag.ts';
import type { Answer, Preferences } from './exchange.ts';
import type { Representation } from './negotiation.ts';
import { information, outcomeOf } from './outcome.ts';
import { bundleText } from './bundle-text.ts';

/** Characters of JSON up to which line ends are made: they are for a person's eyes, and cost parsing it all again. */
const longestPretty = 1 << 20;

export async function send(ctx: Context, world: World, representation: Representation, answer: Answer): Promise<void> {
  const { record } = answer;
  ctx.status = answer.status;
  ctx.set('Cache-Control', 'no-store'); // health data stays on no disk on its way
  ctx.vary('Accept');
  if (record) {
    ctx.set('ETag', entityTag(record.version));
    ctx.set('Last-Modified', record.lastUpdated.toUTCString());
    const name = `${record.resourceType}/${record.id}/_history/${record.version}`;
    if (answer.located) ctx.set(answer.located, `${world.settings.fhirBaseUrl}/${name}`);
  }
  if (answer.headers) ctx.set(answer.headers);
  if (answer.bytes) {
    ctx.set('Content-Type', answer.bytes.type);
    ctx.body = Buffer.from(
      answer.bytes.content.buffer,
      answer.bytes.content.byteOffset,
      answer.bytes.content.byteLength,
    );
  } else if (answer.json !== undefined || answer.resource) {
    ctx.set('Content-Type', representation.type);
    const text = answer.json ?? (await jsonOf(answer.resource!));
    const pretty = representation.pretty && text.length <= longestPretty;
    ctx.body = pretty ? JSON.stringify(JSON.parse(text), null, 2) : text;
  } else {
    ctx.body = null; // Koa turns the status into 204 here
    ctx.status = answer.status;
    ctx.remove('Content-Type');
  }
}

/** The answer to a batch or transaction is as long as what was sent: its entries are written in turns. */
async function jsonOf(resource: Resource): Promise<string> {
  if (resource.resourceType !== 'Bundle') return JSON.stringify(resource);
  const { entry = [], ...bundle } = resource;
  return bundleText(bundle, await inTurns(entry, (one) => JSON.stringify(one)));
}

/** Applies `Prefer: return=...` to the answer of a change. */
export function preferred(answer: Answer, preferences: Preferences): Answer {
  if (preferences.return === 'representation' || answer.status === 204) return answer;
  const { resource: _left, json: _text, ...rest } = answer;
  if (preferences.return === 'minimal') return rest;
  return { ...rest, resource: outcomeOf([information('Done.')]) };
}
