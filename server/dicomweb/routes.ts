import Router from '@koa/router';
import type { Middleware } from 'koa';
import { nonPatientKinds, type NonPatientKind } from '../core/dicom/non-patient-classes.ts';
import type { StudyQuery } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';
import type { Budget } from '../http/budget.ts';
import { Problem } from '../core/problem.ts';
import type { State } from '../http/state.ts';
import { answerProblems } from './answer-problem.ts';
import { bulkOffers, bulkParts } from './bulk-parts.ts';
import { bulkdata } from './bulkdata.ts';
import { allowOf, capabilities, type Resource } from './capabilities.ts';
import { described, whenRecorded } from './exchange.ts';
import { frames } from './frames.ts';
import { metadata, metadataOffers } from './metadata.ts';
import { bulkOfKind, nonPatientOffers, retrieveOfKind, searchOfKind, storeOfKind } from './non-patient.ts';
import { remove } from './remove.ts';
import { multiparts, pictures, rendered, thumbnail } from './rendered.ts';
import { one, retrieve, several } from './retrieve.ts';
import { search, searchOffers } from './search.ts';
import { partForms, store, storeOffers } from './store.ts';
import { uriParameters, uriTypes, wadoUri } from './wado-uri.ts';

const study = '/studies/:study';
const series = `${study}/series/:series`;
const instance = `${series}/instances/:instance`;

interface Parts {
  world: World;
  instanceLimit?: number;
  budget?: Pick<Budget, 'storeBytes' | 'parts'>;
}

/**
 * The DICOMweb studies service (PS3.18 chapter 10), to be mounted at its base address. GET routes answer HEAD
 * too; all of them need an access token, but for what the service says of itself.
 *
 * @param parts.bearer sets `ctx.state.principal` from the access token or throws Problem `login`
 * @param parts.refusals leaves rows in the audit trail for what is refused
 * @param parts.instanceLimit bytes of one stored instance
 * @param parts.budget of one store request
 */
export function dicomwebFace(
  parts: Parts & { bearer: Middleware<State>; refusals?: Middleware<State> },
): Router<State> {
  const { world, bearer, refusals } = parts;
  const router = new Router<State>();
  const table = resources(parts);
  const patternsAt = (path: string) =>
    router.match(path, 'GET').path.filter((layer) => layer.methods.length > 0).map((layer) => String(layer.path)); // prettier-ignore
  const about = capabilities(table, world.settings.dicomwebBaseUrl, patternsAt);
  router.use(answerProblems(), ...(refusals ? [refusals] : []), about, knownAddress(router), bearer, whenRecorded());
  for (const { method, path, run } of table) {
    if (method === 'GET') router.get(path, run);
    else if (method === 'POST') router.post(path, run);
    else router.delete(path, run);
  }
  router.all(elsewhere, () => undefined); // so that what stands in front runs for every address
  return router;
}

const looks = ['accept', 'quality', 'viewport', 'window'];
const paging = ['accept', 'includefield', 'limit', 'offset', 'fuzzymatching', 'emptyvaluematching', 'multiplevaluematching']; // prettier-ignore
const framesAs = ['multipart/related; type="application/octet-stream"', 'application/octet-stream', 'multipart/related; type="image/*"', 'image/*']; // prettier-ignore
const documents = ['video/mp4', 'text/html', 'application/pdf'];
const json = ['application/json'];

/** Every address with its methods: what is routed, and what the service says of itself. */
function resources(parts: Parts): Resource[] {
  const { world } = parts;
  const bodies = [...partForms.map((part) => `multipart/related; type="${part}"`), 'application/dicom'];
  const storing = { method: 'POST', name: 'Store', takes: bodies, answers: storeOffers.map(described), run: store(parts) } as const; // prettier-ignore
  const searching = (level: StudyQuery['level'], query = paging) =>
    ({ method: 'GET', name: `Search ${level}`, answers: searchOffers.map(described), query, run: search(world, level) }) as const; // prettier-ignore
  return [
    // STOW-RS (10.5)
    { path: '/studies', ...storing },
    { path: study, ...storing },
    // QIDO-RS (10.6)
    { path: '/studies', ...searching('study', [...paging, 'orderby']) },
    { path: '/series', ...searching('series') },
    { path: '/instances', ...searching('instance') },
    { path: `${study}/series`, ...searching('series') },
    { path: `${study}/instances`, ...searching('instance') },
    { path: `${series}/instances`, ...searching('instance') },
    // WADO-RS (10.4)
    ...[study, series, instance].flatMap((level) => ofLevel(world, level)),
    ...ofFrames(world),
    { method: 'GET', path: `${instance}/bulkdata/*path`, name: 'Retrieve bulk data value', answers: framesAs, run: bulkdata(world) }, // prettier-ignore
    // Non-patient instances (12)
    ...nonPatientKinds.flatMap((kind) => ofKind(parts, kind)),
    // WADO-URI (9)
    { method: 'GET', path: '/wado', name: 'Retrieve by URI', answers: uriTypes, query: uriParameters, run: wadoUri(world) }, // prettier-ignore
  ];
}

function ofLevel(world: World, level: string): Resource[] {
  const get = (below: string, name: string, answers: readonly string[], run: Resource['run'], query = ['accept']): Resource => ({ method: 'GET', path: level + below, name, answers, query, run }); // prettier-ignore
  const isInstance = level === instance;
  const files = (isInstance ? one : several).map(described);
  const shown = (isInstance ? [...pictures, ...multiparts] : multiparts).map(described);
  const bulk = bulkOffers.map(described);
  return [
    get('', 'Retrieve', files, retrieve(world)),
    { method: 'DELETE', path: level, name: 'Delete', answers: json, query: ['reason'], run: remove(world) },
    get('/metadata', 'Retrieve metadata', metadataOffers.map(described), metadata(world)),
    get('/bulkdata', 'Retrieve bulk data', bulk, bulkParts(world, 'bulkdata')),
    get('/pixeldata', 'Retrieve pixel data', bulk, bulkParts(world, 'pixeldata')),
    get('/rendered', 'Retrieve rendered', isInstance ? [...shown, ...documents] : shown, rendered(world), looks),
    get('/thumbnail', 'Retrieve thumbnail', pictures.map(described), thumbnail(world), looks),
  ];
}

function ofKind(parts: Parts, kind: NonPatientKind): Resource[] {
  const { world } = parts;
  const all = `/${kind}`;
  const single = `${all}/:uid`;
  const takes = [...partForms.map((part) => `multipart/related; type="${part}"`), 'application/dicom'];
  const storing = { method: 'POST', name: 'Store', takes, answers: storeOffers.map(described), run: storeOfKind(parts, kind) } as const; // prettier-ignore
  return [
    { path: all, ...storing },
    { path: single, ...storing },
    { method: 'GET', path: all, name: 'Search', answers: searchOffers.map(described), query: paging, run: searchOfKind(world, kind) }, // prettier-ignore
    { method: 'GET', path: single, name: 'Retrieve', answers: nonPatientOffers.map(described), query: ['accept'], run: retrieveOfKind(world, kind) }, // prettier-ignore
    { method: 'GET', path: `${single}/bulkdata/*path`, name: 'Retrieve bulk data value', answers: ['application/octet-stream'], run: bulkOfKind(world, kind) }, // prettier-ignore
  ];
}

function ofFrames(world: World): Resource[] {
  const path = `${instance}/frames/:list`;
  const shown = [...pictures, ...multiparts].map(described);
  return [
    { method: 'GET', path, name: 'Retrieve frames', answers: framesAs, query: ['accept'], run: frames(world) },
    { method: 'GET', path: `${path}/rendered`, name: 'Retrieve rendered frames', answers: shown, query: looks, run: rendered(world) }, // prettier-ignore
    { method: 'GET', path: `${path}/thumbnail`, name: 'Retrieve thumbnail of a frame', answers: pictures.map(described), query: looks, run: thumbnail(world) }, // prettier-ignore
  ];
}

const elsewhere = '/{*path}';

/** 404 for an address that this service does not have; 405 with Allow for a method that the address does not have. */
function knownAddress(router: Router<State>): Middleware<State> {
  return async (ctx, next) => {
    const has = (method: string) =>
      router
        .match(ctx.path, method)
        .pathAndMethod.some(({ path, methods }) => methods.length > 0 && path !== elsewhere);
    if (has(ctx.method)) return next();
    const allowed = ['GET', 'POST', 'DELETE'].filter(has);
    if (allowed.length === 0 && /^\/patients(\/|$)/.test(ctx.path)) throw noPatients();
    if (allowed.length === 0) throw new Problem('not-found', 'The service has no such address (PS3.18 10)');
    ctx.status = 405;
    ctx.set('Allow', allowOf(allowed));
    ctx.body = { code: 'not-supported', message: 'The address does not have this method; see Allow' };
  };
}

/** Some servers have this resource, PS3.18 10.6 has not: what a client wants of it is found otherwise. */
function noPatients(): Problem {
  return new Problem(
    'not-found',
    'DICOMweb has no resource of patients (PS3.18 10.6): search /studies by PatientID, PatientName or PatientBirthDate; patients themselves are Patient in FHIR',
  );
}
