import type { Middleware } from 'koa';
import type { AuditRow } from '../core/access/audit-trail.ts';
import type { RefusalLog } from '../core/access/refusal-log.ts';
import { isSelfRequest } from './self-request.ts';
import type { State } from './state.ts';

/**
 * Leaves a row for each request that a face refuses, whoever refused it: to be put behind what renders problems, in front
 * of `bearer`. Ids of the path are in it, and nothing of query and body.
 *
 * @param face how its events begin.
 */
export function auditRefusals(face: string, refusals: RefusalLog): Middleware<State> {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (!isSelfRequest(ctx.req)) await refusals.note(error, rowOf(face, ctx));
      throw error;
    }
  };
}

const acts: Readonly<Record<string, [action: AuditRow['action'], name: string]>> = {
  GET: ['R', 'read'],
  HEAD: ['R', 'read'],
  POST: ['C', 'create'],
  PUT: ['U', 'update'],
  PATCH: ['U', 'update'],
  DELETE: ['D', 'delete'],
};
const ofDicomweb: Readonly<Record<string, string>> = { read: 'retrieve', create: 'store' };
const byMethod = new Map(Object.entries(acts));
const dicomwebNames = new Map(Object.entries(ofDicomweb));

function rowOf(face: string, ctx: Parameters<Middleware<State>>[0]): Omit<AuditRow, 'outcome'> {
  const { requestId, clientAddress } = ctx.state;
  const principal = ctx.state.principal as State['principal'] | undefined;
  const [action, name] = byMethod.get(ctx.method) ?? ['E', 'other'];
  const [first, ...rest] = ctx.path.split('/').filter((part) => part !== '');
  const path = [...(first === face || first === undefined ? [] : [first]), ...rest].join('/'); // mounted or not
  const isSearch = path.endsWith('_search') || (action === 'R' && face !== 'portal' && !path.includes('/'));
  const act = isSearch
    ? 'search'
    : path.includes('$')
      ? 'operation'
      : face === 'dicomweb'
        ? (dicomwebNames.get(name) ?? name)
        : name;
  const entity = path.split('/').slice(0, 6).join('/');
  const patient = /^Patient\/([A-Za-z0-9\-.]{1,64})(?:\/|$)/.exec(entity)?.[1];
  return {
    action: isSearch || path.includes('$') ? 'E' : action,
    event: `${face}:${act}`,
    principal,
    ...(patient !== undefined && { patients: [patient] }),
    ...(/^[\w./$-]{1,300}$/.test(entity) && { entities: [entity] }),
    requestId,
    sourceAddress: clientAddress,
  };
}
