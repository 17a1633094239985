/** From a Koa request to an interaction, one function an address. */
import type { Context } from 'koa';
import type { CapabilityStatement } from '@medplum/fhirtypes';
import { Problem } from '../core/problem.ts';
import { parseQueryString } from '../core/search/query-string.ts';
import { read as readRecord } from '../core/records/read.ts';
import { preferred } from './answer.ts';
import { content, isFhirJson, readContent, wantsResource } from './binary.ts';
import { decodeText, readBytes, readResource } from './body.ts';
import { applyBundle } from './bundle.ts';
import { capabilityStatement } from './capability.ts';
import { apply, create, patch, remove, update } from './changes.ts';
import { compartmentTypes } from './compartment.ts';
import { everything } from './everything.ts';
import { idIn, preferencesOf, readOptions, typeIn, type Answer, type Exchange } from './exchange.ts';
import type { FhirFace } from './face.ts';
import { history } from './history.ts';
import { mediaRanges } from './negotiation.ts';
import { pageTokens } from './page-token.ts';
import { read, versionOf, vread } from './read.ts';
import { search, typesIn, type SearchRequest } from './search.ts';
import { validateOperation } from './validate-operation.ts';
import { own } from '../core/table.ts';

/** Bytes of a search in a form. */
const longestForm = 262_144;

export type Handler = (exchange: Exchange, ctx: Context) => Promise<Answer> | Answer;

const typeOf = (ctx: Context) => typeIn(parameter(ctx, 'type'));
const idOf = (ctx: Context) => idIn(parameter(ctx, 'id'));
const parameter = (ctx: Context, name: string): string | undefined =>
  own(ctx['params'] as Record<string, string>, name);
const query = (ctx: Context): [string, string][] => parseQueryString(ctx.querystring);

export function handlers({ world, smart, limit, pageKey, fault }: Required<Omit<FhirFace, 'bearer'>>) {
  const tokens = pageTokens(pageKey);
  let statement: CapabilityStatement | undefined;

  const searching = (exchange: Exchange, ctx: Context, request: SearchRequest, path: string) =>
    search(exchange, request, path, preferencesOf(ctx).strict, tokens);
  const systemSearch = (exchange: Exchange, ctx: Context, given: [string, string][]) => {
    const { types, rest } = typesIn(given);
    return searching(exchange, ctx, { types, parameters: rest }, '');
  };
  const typeSearch = (exchange: Exchange, ctx: Context, given: [string, string][]) =>
    searching(exchange, ctx, { types: [typeOf(ctx)], parameters: given }, typeOf(ctx));
  const compartmentSearch = (exchange: Exchange, ctx: Context, given: [string, string][]) => {
    const patient = idOf(ctx);
    const type = parameter(ctx, 'type');
    const types = compartmentTypes(exchange, patient, type);
    return searching(exchange, ctx, { types, parameters: given, patient }, `Patient/${patient}/${type}`);
  };

  /** The URL's parameters and those of the form: both count (FHIR search.html#Introduction). */
  const form = async (ctx: Context): Promise<[string, string][]> => {
    const [range] = mediaRanges(ctx.get('Content-Type'));
    const bytes = await readBytes(ctx, Math.min(limit, longestForm));
    if (bytes.length === 0) return query(ctx);
    if (range?.type !== 'application/x-www-form-urlencoded') {
      throw new Problem('media-type', 'The search must be application/x-www-form-urlencoded');
    }
    return [...query(ctx), ...parseQueryString(decodeText(bytes))];
  };

  return {
    capability: () => ({
      status: 200,
      resource: (statement ??= capabilityStatement(world.settings, smart, world.now())),
    }),
    bundle: async (exchange, ctx) => {
      const bundle = await readResource(ctx, limit);
      return applyBundle(exchange, bundle, preferencesOf(ctx), tokens, (error) => fault(error, exchange.requestId));
    },
    systemSearch: (exchange, ctx) => systemSearch(exchange, ctx, query(ctx)),
    systemSearchForm: async (exchange, ctx) => systemSearch(exchange, ctx, await form(ctx)),
    systemHistory: (exchange, ctx) => history(exchange, {}, query(ctx), tokens),
    typeSearch: (exchange, ctx) => typeSearch(exchange, ctx, query(ctx)),
    typeSearchForm: async (exchange, ctx) => typeSearch(exchange, ctx, await form(ctx)),
    typeHistory: (exchange, ctx) => history(exchange, { type: typeOf(ctx) }, query(ctx), tokens),
    compartmentSearch: (exchange, ctx) => compartmentSearch(exchange, ctx, query(ctx)),
    compartmentSearchForm: async (exchange, ctx) => compartmentSearch(exchange, ctx, await form(ctx)),
    everything: (exchange, ctx) => everything(exchange, idOf(ctx), query(ctx), tokens),

    read: (exchange, ctx) => read(exchange, typeOf(ctx), idOf(ctx), query(ctx), conditions(ctx)),
    vread: (exchange, ctx) => vread(exchange, typeOf(ctx), idOf(ctx), parameter(ctx, 'version') ?? '', conditions(ctx)),
    history: (exchange, ctx) => history(exchange, { type: typeOf(ctx), id: idOf(ctx) }, query(ctx), tokens),
    validate: async (exchange, ctx) => {
      const type = parameter(ctx, 'type') === undefined ? undefined : typeOf(ctx);
      const id = parameter(ctx, 'id') === undefined ? undefined : idOf(ctx);
      return validateOperation(exchange, type, id, await readResource(ctx, limit), query(ctx));
    },

    create: changing((exchange, ctx) => create(exchange, ctx, typeOf(ctx), limit)),
    update: changing((exchange, ctx) => update(exchange, ctx, typeOf(ctx), idOf(ctx), limit)),
    updateMatch: changing((exchange, ctx) => update(exchange, ctx, typeOf(ctx), undefined, limit)),
    patch: changing((exchange, ctx) => patch(exchange, ctx, typeOf(ctx), idOf(ctx), limit)),
    patchMatch: changing((exchange, ctx) => patch(exchange, ctx, typeOf(ctx), undefined, limit)),
    remove: changing((exchange, ctx) => remove(exchange, ctx, typeOf(ctx), idOf(ctx))),
    removeMatch: changing((exchange, ctx) => remove(exchange, ctx, typeOf(ctx), undefined)),

    createBinary: changing(async (exchange, ctx) => {
      if (isFhirJson(ctx)) return create(exchange, ctx, 'Binary', limit);
      return apply(exchange, { kind: 'create', type: 'Binary', resource: await readContent(ctx, limit) });
    }),
    updateBinary: changing(async (exchange, ctx) => {
      const id = idOf(ctx);
      if (isFhirJson(ctx)) return update(exchange, ctx, 'Binary', id, limit);
      return apply(exchange, {
        kind: 'update',
        type: 'Binary',
        target: { id },
        resource: await readContent(ctx, limit, id),
      });
    }),
    readBinary: async (exchange, ctx) => {
      if (wantsResource(ctx)) return read(exchange, 'Binary', idOf(ctx), query(ctx), conditions(ctx));
      return content(
        ctx,
        await readRecord(world, exchange.principal, 'Binary', idOf(ctx), readOptions(exchange)),
        conditions(ctx),
      );
    },
    vreadBinary: async (exchange, ctx) => {
      const version = parameter(ctx, 'version') ?? '';
      if (wantsResource(ctx)) return vread(exchange, 'Binary', idOf(ctx), version, conditions(ctx));
      return content(ctx, await versionOf(exchange, 'Binary', idOf(ctx), version), conditions(ctx));
    },
  } satisfies Record<string, Handler>;
}

/** A change answers as the Prefer header asks. */
const changing =
  (handler: Handler): Handler =>
  async (exchange, ctx) =>
    preferred(await handler(exchange, ctx), preferencesOf(ctx));

function conditions(ctx: Context): { ifNoneMatch?: string; ifModifiedSince?: string } {
  const [ifNoneMatch, ifModifiedSince] = [ctx.get('If-None-Match'), ctx.get('If-Modified-Since')];
  return { ...(ifNoneMatch !== '' && { ifNoneMatch }), ...(ifModifiedSince !== '' && { ifModifiedSince }) };
}
