/** What the service offers, told by its own table of routes (PS3.18 8.9). */
import type { Middleware } from 'koa';
import type { State } from '../http/state.ts';
import { accepted, type Exchange } from './exchange.ts';

/** A method of a resource. */
export interface Resource {
  method: 'GET' | 'POST' | 'DELETE';
  /** Pattern of the address, with `:name` for what varies and `*path` for the rest. */
  path: string;
  /** The transaction, in the standard's words. */
  name: string;
  /** Media types of answers, with the type of the parts for multipart ones. */
  answers: readonly string[];
  /** Media types of bodies. */
  takes?: readonly string[];
  /** Parameters of the query. */
  query?: readonly string[];
  run(ctx: Exchange): Promise<void>;
}

const wadl = 'application/vnd.sun.wadl+xml';
const offers = [
  { name: 'wadl', media: wadl },
  { name: 'json', media: 'application/json' },
  { name: 'json', media: 'application/dicom+json' },
] as const;

/** An address with what is below it. */
interface Branch {
  path: string;
  methods: Resource[];
  below: Map<string, Branch>;
}

/**
 * Answers OPTIONS: of the service with all of it, of a resource with itself and what is below. No token is needed, as for
 * FHIR's CapabilityStatement: it says nothing of anybody.
 *
 * @param patternsAt the patterns that an address matches
 */
export function capabilities(
  table: readonly Resource[],
  baseUrl: string,
  patternsAt: (path: string) => readonly string[],
): Middleware<State> {
  const root = treeOf(table);
  return async (ctx, next) => {
    if (ctx.method !== 'OPTIONS') return next();
    const isService = ctx.path === '/' || ctx.path === '';
    const known = new Set(patternsAt(ctx.path));
    const own = isService ? table : table.filter(({ path }) => known.has(path));
    if (!isService && own.length === 0) return next();
    const [choice] = accepted(ctx as Exchange, offers);
    const branch = isService ? root : branchAt(root, own[0]!.path);
    ctx.set('Allow', allowOf(isService ? [] : own.map(({ method }) => method)));
    ctx.set('Cache-Control', 'no-store');
    ctx.status = 200;
    const isJson = choice!.name === 'json';
    ctx.body = isJson ? JSON.stringify(jsonOf(branch, baseUrl)) : xmlOf(branch, baseUrl);
    ctx.set('Content-Type', isJson ? 'application/json; charset=utf-8' : wadl);
  };
}

/** The Allow header (RFC 9110 10.2.1) of an address with these methods. */
export function allowOf(methods: readonly string[]): string {
  const all = methods.includes('GET') ? ['GET', 'HEAD', ...methods] : methods;
  return ['GET', 'HEAD', 'POST', 'DELETE']
    .filter((method) => all.includes(method))
    .concat('OPTIONS')
    .join(', ');
}

function treeOf(table: readonly Resource[]): Branch {
  const root: Branch = { path: '', methods: [], below: new Map() };
  for (const resource of table) branchAt(root, resource.path).methods.push(resource);
  return root;
}

function branchAt(root: Branch, path: string): Branch {
  let branch = root;
  for (const part of path.split('/').filter((one) => one !== '')) {
    const found = branch.below.get(part) ?? { path: templated(part), methods: [], below: new Map() };
    branch.below.set(part, found);
    branch = found;
  }
  return branch;
}

const templated = (part: string): string => part.replace(/^[:*](.+)$/, '{$1}');

function jsonOf(branch: Branch, baseUrl: string): object {
  return { application: { resources: { base: baseUrl, resource: resourcesOf(branch).map(resourceJson) } } };
}

/** Of the root what is below it, of another branch itself. */
const resourcesOf = (branch: Branch): Branch[] => (branch.path === '' ? [...branch.below.values()] : [branch]);

function resourceJson({ path, methods, below }: Branch): object {
  return {
    path,
    ...(methods.length > 0 && {
      method: methods.map(({ method, name, answers, takes, query }) => ({
        name: method,
        id: name,
        request: {
          ...(query && { param: query.map((one) => ({ name: one, style: 'query' })) }),
          ...(takes && { representation: takes.map((mediaType) => ({ mediaType })) }),
        },
        response: { representation: answers.map((mediaType) => ({ mediaType })) },
      })),
    }),
    ...(below.size > 0 && { resource: [...below.values()].map(resourceJson) }),
  };
}

function xmlOf(branch: Branch, baseUrl: string): string {
  const resources = resourcesOf(branch).map(resourceXml).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<application xmlns="http://wadl.dev.java.net/2009/02"><resources base="${escaped(baseUrl)}">${resources}</resources></application>\n`;
}

function resourceXml({ path, methods, below }: Branch): string {
  const inside = methods.map(methodXml).join('') + [...below.values()].map(resourceXml).join('');
  return `<resource path="${escaped(path)}">${inside}</resource>`;
}

function methodXml({ method, name, answers, takes = [], query = [] }: Resource): string {
  const representations = (types: readonly string[]) =>
    types.map((type) => `<representation mediaType="${escaped(type)}"/>`).join('');
  const parameters = query.map((one) => `<param name="${escaped(one)}" style="query"/>`).join('');
  const request = `<request>${parameters}${representations(takes)}</request>`;
  return `<method name="${method}" id="${escaped(name)}">${request}<response>${representations(answers)}</response></method>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
