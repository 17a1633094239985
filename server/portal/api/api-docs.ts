import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { html, type Html } from '../../http/answer/html.ts';
import { apiRoute, type ApiDeclaration, type ApiRoute } from './api-route.ts';
import { describe, introduction, openApiDocument, schemaOf, type AboutApi } from './openapi.ts';

const style = readFileSync(join(import.meta.dirname, 'api-docs.css'));

const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The document at `/openapi.json` and the same for people at `/api-docs`: plain HTML, without script and without
 * anything from elsewhere.
 *
 * @param routes gives all declarations; these two are among them.
 */
export function documentRoutes(about: AboutApi, routes: () => readonly ApiDeclaration[]): ApiRoute[] {
  const open = { method: 'get', tag: 'This document', roles: 'public' } as const;
  const page = (body: string | Buffer, type: string): ApiRoute['handle'] => async ({ ctx }) => {
    ctx.set('Cache-Control', 'no-cache');
    ctx.set('Content-Security-Policy', policy);
    ctx.type = type;
    ctx.body = body;
  }; // prettier-ignore
  return [
    apiRoute({
      ...open,
      path: '/openapi.json',
      summary: 'This document, by OpenAPI 3.1',
      answer: { schema: z.looseObject({ openapi: z.string(), paths: z.looseObject({}) }) },
      async handle({ ctx }) {
        ctx.set('Cache-Control', 'no-cache');
        ctx.set('Access-Control-Allow-Origin', '*');
        return openApiDocument(about, routes());
      },
    }),
    apiRoute({
      ...open,
      path: '/api-docs',
      summary: 'This document as a page',
      answer: { mediaType: 'text/html' },
      handle: (asked) => page(docsPage(about, routes()).text, 'text/html; charset=utf-8')(asked),
    }),
    apiRoute({
      ...open,
      path: '/api-docs.css',
      summary: 'Style of the page',
      answer: { mediaType: 'text/css' },
      handle: page(style, 'text/css; charset=utf-8'),
    }),
  ];
}

function docsPage(about: AboutApi, routes: readonly ApiDeclaration[]): Html {
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="dark" />
        <title>Interfaces - ${about.title}</title>
        <link rel="icon" href="/favicon.svg" />
        <link rel="stylesheet" href="/api-docs.css" />
      </head>
      <body>
        <header>
          <h1>Interfaces of ${about.title}</h1>
          <p>${introduction(about.publicUrl)}</p>
          <p>Version ${about.version}. The same for machines: <a href="/openapi.json">openapi.json</a>.</p>
        </header>
        <nav aria-label="Parts">
          <ul>
            ${tags.map((tag) => html`<li><a href="#${anchor(tag)}">${tag}</a></li>`)}
          </ul>
        </nav>
        <main>
          ${tags.map((tag) => section(tag, routes.filter((route) => route.tag === tag)))}
        </main>
      </body>
    </html> `; // prettier-ignore
}

function section(tag: string, routes: readonly ApiDeclaration[]): Html {
  return html`<section aria-labelledby="${anchor(tag)}">
    <h2 id="${anchor(tag)}">${tag}</h2>
    ${routes.map(routeOf)}
  </section>`;
}

function routeOf(route: ApiDeclaration): Html {
  const { method, path, summary, query, body, answer } = route;
  const params = z.object({ ...namesOf(path), ...route.params });
  const given = [
    path.includes(':') && table('In the path', schemaOf(params, 'input')),
    query && table('In the query', schemaOf(query, 'input')),
    body && table('Body (JSON)', schemaOf(body, 'input')),
    answer.schema && table('Answer', schemaOf(answer.schema, 'output')),
  ];
  return html`<article>
    <h3><code>${method.toUpperCase()} ${path}</code></h3>
    <p>${summary}. ${describe(route)}</p>
    ${given.map((one) => one || undefined)} ${answer.status !== undefined && html`<p>Answers ${answer.status}.</p>`}
    ${answer.mediaType !== undefined && html`<p>Answers ${answer.mediaType}.</p>`}
  </article>`;
}

function namesOf(path: string): Record<string, z.ZodType> {
  return Object.fromEntries([...path.matchAll(/:([A-Za-z]+)/g)].map(([, name]) => [name!, z.string()]));
}

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  description?: string;
  anyOf?: Schema[];
}

/** The elements of an object one by one, those of objects within below them. */
function table(title: string, schema: Schema): Html {
  const rows = rowsOf(schema, '');
  if (rows.length === 0) return html`<p>${title}: ${typeOf(schema)}</p>`;
  return html`<table>
    <caption>
      ${title}
    </caption>
    <thead>
      <tr>
        <th scope="col">Name</th>
        <th scope="col">Type</th>
        <th scope="col">Meaning</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ({ name, type, required, text }) =>
          html`<tr>
            <th scope="row"><code>${name}</code></th>
            <td>${type}${!required && ' (optional)'}</td>
            <td>${text}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

interface Row {
  name: string;
  type: string;
  required: boolean;
  text: string;
}

function rowsOf(schema: Schema, before: string): Row[] {
  const { items } = schema;
  if (items?.properties) return rowsOf(items, `${before}[].`.replace(/^\[\]\./, '[].'));
  return Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    const full = `${before}${name}`;
    const within = one.anyOf?.find(({ properties }) => properties) ?? one;
    const row = {
      name: full,
      type: typeOf(one),
      required: schema.required?.includes(name) ?? false,
      text: one.description ?? '',
    };
    return [row, ...rowsOf(within, within.items?.properties ? full : `${full}.`)];
  });
}

function typeOf({ type, items, enum: values, const: only, format, anyOf }: Schema): string {
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (only !== undefined) return JSON.stringify(only);
  if (anyOf) return [...new Set(anyOf.map(typeOf))].join(' | ');
  if (type === 'array') return `list of ${items ? typeOf(items) : 'anything'}`;
  const named = Array.isArray(type) ? type.join(' | ') : (type ?? 'anything');
  return format === undefined ? named : `${named} (${format})`;
}

function anchor(tag: string): string {
  return tag.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
