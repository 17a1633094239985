import { Readable } from 'node:stream';
import { find } from '../core/studies/find.ts';
import { parseStudyQuery } from '../core/studies/parse-study-query.ts';
import { inTurns } from '../core/in-turns.ts';
import type { StudyQuery } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import { isUid } from '../core/dicom/uid.ts';
import { accepted, asking, send, type Exchange } from './exchange.ts';
import { xmlDocuments, xmlMedia } from './xml-documents.ts';

export const searchOffers = [
  { name: 'dicom-json', media: 'application/dicom+json' },
  { name: 'json', media: 'application/json' },
  { name: 'xml', media: 'multipart/related', part: xmlMedia },
] as const;

/** QIDO-RS (PS3.18 10.6): 200 with a list of matches, an empty one when there are none. */
export function search(world: World, level: StudyQuery['level']) {
  return async (ctx: Exchange): Promise<void> => {
    const [choice] = accepted(ctx, searchOffers);
    const { study, series } = ctx.params;
    for (const uid of [study, series])
      if (uid !== undefined && !isUid(uid)) throw new Problem('value', 'The path holds something that is not a UID');
    const target = {
      level,
      ...(study !== undefined && { StudyInstanceUID: study }),
      ...(series !== undefined && { SeriesInstanceUID: series }),
    };
    const query = parseStudyQuery(target, new URLSearchParams(ctx.querystring), world.settings.timeZone);
    const { matches, total, cut } = await find(world, asking(ctx), query, ctx.path + ctx.search);
    const page = { ...query, capped: query.capped || cut };
    pageHeaders(ctx, world.settings.dicomwebBaseUrl, page, matches.length, total);
    ctx.set('Cache-Control', 'no-store');
    // A multipart body has one part at least (RFC 2046 5.1.1), so an empty list is one without content.
    if (choice!.name === 'xml') {
      ctx.status = matches.length === 0 ? 204 : 200;
      if (matches.length === 0) return;
      const { type, chunks } = xmlDocuments(Readable.from(matches));
      return send(ctx, type, chunks);
    }
    const texts = await inTurns(matches, (match) => JSON.stringify(match));
    ctx.body = `[${texts.join(',')}]`;
    ctx.set('Content-Type', choice!.name === 'json' ? 'application/json; charset=utf-8' : 'application/dicom+json');
  };
}

/** How many there are, where the next ones are, and a warning that these were not all (PS3.18 8.3.4.4). */
function pageHeaders(
  ctx: Exchange,
  baseUrl: string,
  query: StudyQuery & { capped: boolean },
  given: number,
  total: number,
): void {
  ctx.set('X-Total-Count', String(total));
  const reached = query.offset + given;
  if (reached >= total || given === 0) return;
  const next = new URLSearchParams(ctx.querystring);
  next.set('offset', String(reached));
  next.set('limit', String(query.limit));
  const path = ctx.path.slice(ctx.path.search(/\/(studies|series|instances)(\/|$)/));
  ctx.set('Link', `<${baseUrl}${path}?${next}>; rel="next"`);
  if (query.capped || ctx.query['limit'] === undefined) {
    const service = new URL(baseUrl).host;
    const text =
      'The number of results exceeded the maximum supported by the server. Additional results can be requested.';
    ctx.set('Warning', `299 ${service} "${text}"`);
  }
}
