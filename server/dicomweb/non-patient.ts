/** Non-Patient Instances (PS3.18 chapter 12). */
import type { DicomJson } from '../core/dicom/json.ts';
import type { NonPatientKind } from '../core/dicom/non-patient-classes.ts';
import { isUid } from '../core/dicom/uid.ts';
import { Problem } from '../core/problem.ts';
import { absoluteBulkText } from '../core/studies/bulk-address.ts';
import { findNonPatient, locateNonPatient, storeNonPatient } from '../core/studies/non-patient.ts';
import type { NonPatientRow } from '../core/studies/non-patient-store.ts';
import type { InstanceOutcome } from '../core/studies/outcome.ts';
import { parseStudyQuery } from '../core/studies/parse-study-query.ts';
import { mustBeAllowedToStore, receiveInstance } from '../core/studies/store-instance.ts';
import { own } from '../core/table.ts';
import type { World } from '../core/world.ts';
import { notModified } from '../http/answer/conditional.ts';
import type { Offer } from '../http/answer/negotiate.ts';
import { clientGone } from '../http/request/client-gone.ts';
import { accepted, asking, send, type Exchange } from './exchange.ts';
import { foreignPreambles, withEmptyPreamble } from './preamble.ts';
import { searchOffers } from './search.ts';
import { sendPortion } from './send-portion.ts';
import { answer, bodies, storeOffers, type StoreParts, storeBudget } from './store.ts';
import { multipart } from './write-multipart.ts';
import { xmlDocuments } from './xml-documents.ts';

const dicom = 'application/dicom';
export const nonPatientOffers: Offer<'multipart' | 'single' | 'json' | 'xml'>[] = [
  { name: 'multipart', media: 'multipart/related', part: dicom },
  { name: 'single', media: dicom },
  { name: 'json', media: 'application/dicom+json' },
  { name: 'json', media: 'application/json' },
  { name: 'xml', media: 'multipart/related', part: 'application/dicom+xml' },
];

/** `POST /{category}` and `/{category}/{uid}` (12.5). */
export function storeOfKind(parts: StoreParts, kind: NonPatientKind) {
  const { world } = parts;
  const budget = storeBudget(parts);
  return async (ctx: Exchange): Promise<void> => {
    const { uid } = ctx.params;
    if (uid !== undefined && !isUid(uid)) throw new Problem('value', 'The path holds something that is not a UID');
    mustBeAllowedToStore(ctx.state.principal);
    const [choice] = accepted(ctx, storeOffers);
    const signal = clientGone(ctx.res);
    const outcomes: InstanceOutcome[] = [];
    for await (const body of bodies(world, ctx, budget)) {
      signal.throwIfAborted();
      const limit = budget.instanceBytes;
      const arriving = 'refused' in body ? body : await receiveInstance(world, body, { limit, signal });
      outcomes.push(await storeNonPatient(world, asking(ctx), kind, arriving, uid));
    }
    if (outcomes.length === 0) throw new Problem('structure', 'The body holds no instance');
    const { dicomwebBaseUrl: base } = world.settings;
    const addresses = { of: `${base}/${kind}`, one: ({ SOPInstanceUID }: { SOPInstanceUID: string }) => `${base}/${kind}/${SOPInstanceUID}` }; // prettier-ignore
    answer(ctx, outcomes, base, addresses, choice!.name);
  };
}

/** `GET /{category}` (12.6): matches with what tells one from the other, and what was asked for. */
export function searchOfKind(world: World, kind: NonPatientKind) {
  return async (ctx: Exchange): Promise<void> => {
    const [choice] = accepted(ctx, searchOffers);
    const query = parseStudyQuery({ level: 'instance' }, new URLSearchParams(ctx.querystring), world.settings.timeZone);
    const { attributes, total } = await findNonPatient(world, asking(ctx), kind, query, ctx.path + ctx.search);
    const wanted = new Set([...alwaysGiven, ...query.match.map(({ path }) => path.slice(0, 8)), ...(query.include === 'all' ? [] : query.include.map((path) => path.slice(0, 8)))]); // prettier-ignore
    const matches = attributes.map((text) => matchOf(text, `${world.settings.dicomwebBaseUrl}/${kind}`, query.include === 'all' ? undefined : wanted)); // prettier-ignore
    ctx.set('X-Total-Count', String(total));
    ctx.set('Cache-Control', 'no-store');
    if (choice!.name !== 'xml') {
      ctx.body = JSON.stringify(matches);
      ctx.set('Content-Type', choice!.name === 'json' ? 'application/json; charset=utf-8' : 'application/dicom+json');
      return;
    }
    ctx.status = matches.length === 0 ? 204 : 200;
    if (matches.length === 0) return;
    const { type, chunks } = xmlDocuments(each(matches));
    await send(ctx, type, chunks);
  };
}

/** Character set, class, UID, manufacturer; label, description and creator of content; names of hanging protocols, templates and protocols. */
const alwaysGiven = ['00080005', '00080016', '00080018', '00080070', '00181030', '00700080', '00700081', '00700084', '00720002', '00720004', '00686221', '00686226']; // prettier-ignore

function matchOf(text: string, address: string, wanted: ReadonlySet<string> | undefined): DicomJson {
  const all = JSON.parse(text) as DicomJson;
  const uid = String(own(all, '00080018')?.Value?.[0]);
  const complete: DicomJson = JSON.parse(absoluteBulkText(text, `${address}/${uid}`)) as DicomJson;
  const chosen = Object.entries(complete).filter(([tag]) => !wanted || wanted.has(tag));
  chosen.push(['00081190', { vr: 'UR', Value: [`${address}/${uid}`] }]);
  return Object.fromEntries(chosen.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await Promise.resolve(item);
}

/** `GET /{category}/{uid}` (12.4): the file as it is stored, or its attributes. */
export function retrieveOfKind(world: World, kind: NonPatientKind) {
  return async (ctx: Exchange): Promise<void> => {
    const choices = accepted(ctx, nonPatientOffers);
    const row = await locateNonPatient(world, asking(ctx), kind, uidOf(ctx));
    const choice = choices.find(({ name, transferSyntax = '*' }) => name === 'json' || name === 'xml' || transferSyntax === '*' || transferSyntax === row.TransferSyntaxUID); // prettier-ignore
    if (!choice) throw new Problem('not-acceptable', 'The instance is available as it is stored: transfer-syntax=*');
    ctx.set('Cache-Control', 'no-store');
    if (notModified(ctx, { etag: `W/"${row.blob}-${choice.name}"` })) return;
    const address = `${world.settings.dicomwebBaseUrl}/${kind}/${row.SOPInstanceUID}`;
    const attributes = absoluteBulkText(row.attributes, address);
    if (choice.name === 'json') {
      const text = Buffer.from(`[${attributes}]`);
      return send(ctx, choice.media === 'application/json' ? 'application/json; charset=utf-8' : choice.media, each([text]), text.length); // prettier-ignore
    }
    if (choice.name === 'xml') {
      const { type, chunks } = xmlDocuments(each([attributes]));
      return send(ctx, type, chunks);
    }
    const part = await filePart(world, row, address);
    if (choice.name === 'single') return send(ctx, part.type, part.body(), part.length);
    const { type, length, chunks } = multipart(dicom, [part]);
    await send(ctx, type, chunks, length);
  };
}

async function filePart(world: World, row: NonPatientRow, location: string) {
  const foreign = await foreignPreambles(world, [row]);
  const bytes = () => world.blobs.open(row.blob);
  const body = () => (foreign.size > 0 ? withEmptyPreamble(bytes()) : bytes());
  return { type: `${dicom}; transfer-syntax=${row.TransferSyntaxUID}`, location, length: row.size, body };
}

/** A value that the attributes leave out, at its address there. */
export function bulkOfKind(world: World, kind: NonPatientKind) {
  return async (ctx: Exchange): Promise<void> => {
    accepted(ctx, [{ name: 'octets', media: 'application/octet-stream' }]);
    const path = (ctx.params['path'] ?? '').toUpperCase();
    const row = await locateNonPatient(world, asking(ctx), kind, uidOf(ctx), '/bulkdata');
    const bulk = JSON.parse(row.bulk) as Record<string, { offset: number; length: number }>;
    const place = own(bulk, path.replaceAll('/', '.'));
    if (!place) throw new Problem('not-found', 'The instance has no bulk data at this path');
    ctx.set('Cache-Control', 'no-store');
    ctx.set('Content-Disposition', 'attachment');
    ctx.set('Content-Security-Policy', "default-src 'none'; sandbox");
    const open = (range: { offset: number; length: number }) =>
      world.blobs.open(row.blob, { offset: place.offset + range.offset, length: range.length });
    await sendPortion(ctx, { type: 'application/octet-stream', length: place.length, open });
  };
}

function uidOf(ctx: Exchange): string {
  const { uid = '' } = ctx.params;
  if (!isUid(uid)) throw new Problem('value', 'The path holds something that is not a UID');
  return uid;
}
