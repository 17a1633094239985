import { z } from 'zod';
import { own } from '../../core/table.ts';
import { isReading, type ApiDeclaration } from './api-route.ts';

type Json = Record<string, unknown>;

export interface AboutApi {
  title: string;
  version: string;
  publicUrl: string;
}

/**
 * The OpenAPI document (3.1) of what is neither FHIR nor DICOMweb, made from the declarations by which the same routes
 * check what comes in: it cannot say anything else than they do.
 */
export function openApiDocument({ title, version, publicUrl }: AboutApi, routes: readonly ApiDeclaration[]): Json {
  const paths = new Map<string, Json>();
  for (const route of routes) {
    const path = route.path.replace(/:([A-Za-z]+)/g, '{$1}');
    paths.set(path, { ...paths.get(path), [route.method]: operation(route) });
  }
  const tags = [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name }));
  return {
    openapi: '3.1.1',
    info: { title, version, summary: 'What is neither FHIR nor DICOMweb', description: introduction(publicUrl) },
    servers: [{ url: publicUrl }],
    externalDocs: { url: `${publicUrl}/fhir/metadata`, description: 'The CapabilityStatement of the FHIR service' },
    tags,
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        smart: {
          type: 'openIdConnect',
          openIdConnectUrl: `${publicUrl}/oidc/.well-known/openid-configuration`,
          description: 'An access token of SMART App Launch, as Authorization: Bearer',
        },
      },
      schemas: { OperationOutcome: outcome },
      responses: Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [
          `r${status}`,
          {
            description,
            content: { 'application/fhir+json': { schema: { $ref: '#/components/schemas/OperationOutcome' } } },
          },
        ]),
      ),
    },
  };
}

export function introduction(publicUrl: string): string {
  return [
    `Records and images are at ${publicUrl}/fhir (FHIR R4, described by its CapabilityStatement) and ${publicUrl}/dicomweb (DICOMweb).`,
    `Where to sign in, get tokens and register apps (RFC 7591: \`registration_endpoint\`, with an initial access token) says ${publicUrl}/.well-known/smart-configuration.`,
    'Most of what is here belongs to our own application: other apps are refused, whatever scopes they have.',
    'Each refusal is an OperationOutcome that names the rule and what to do.',
  ].join(' ');
}

const refusals = {
  400: 'A parameter or the body is not as described',
  401: 'No token, or one that is over; or the second factor must be given again',
  403: 'The role, the application or the scope does not allow it',
  404: 'There is nothing, or nothing that you may see',
  409: 'Not possible as things are now',
  422: 'A rule of the work forbids it',
} as const;

const outcome: Json = {
  type: 'object',
  required: ['resourceType', 'issue'],
  properties: {
    resourceType: { const: 'OperationOutcome' },
    issue: {
      type: 'array',
      items: {
        type: 'object',
        required: ['severity', 'code'],
        properties: {
          severity: { enum: ['fatal', 'error', 'warning', 'information'] },
          code: { type: 'string' },
          diagnostics: { type: 'string' },
          expression: { type: 'array', items: { type: 'string' } },
        },
      },
    },
  },
};

function operation(route: ApiDeclaration): Json {
  const { method, path, summary, tag, body } = route;
  const parameters = [...pathParameters(route), ...queryParameters(route)];
  return {
    operationId: operationId(method, path),
    summary,
    description: describe(route),
    tags: [tag],
    security: route.roles === 'public' ? [] : [{ smart: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: responses(route),
  };
}

/** What a caller has to be, in words. */
export function describe({ description, roles, anyApp, fresh }: ApiDeclaration): string {
  const who =
    roles === 'public'
      ? 'Public.'
      : `For ${roles.length === 4 ? 'every role' : roles.join(', ')}${anyApp ? '' : ', through our own application only'}.`;
  const factor = fresh ? 'Asks for a second factor of the last minutes.' : '';
  return [description, who, factor].filter(Boolean).join(' ');
}

function pathParameters({ path, params = {} }: ApiDeclaration): Json[] {
  return [...path.matchAll(/:([A-Za-z]+)/g)].map(([, name = '']) => {
    const shape = own(params, name);
    return { name, in: 'path', required: true, schema: shape ? schemaOf(shape, 'input') : { type: 'string' } };
  });
}

function queryParameters({ query }: ApiDeclaration): Json[] {
  if (!query) return [];
  const { properties = {}, required = [] } = schemaOf(query, 'input') as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    ...(required.includes(name) && { required: true }),
    schema,
  }));
}

function responses(route: ApiDeclaration): Json {
  const { answer, roles, query, body, path, method } = route;
  const { schema, mediaType = 'application/json' } = answer;
  const status = answer.status ?? (schema || answer.mediaType ? 200 : 204);
  const content = schema ? { [mediaType]: { schema: schemaOf(schema, 'output') } } : { [mediaType]: {} };
  const expected: (keyof typeof refusals)[] = [
    ...(query || body ? [400 as const] : []),
    ...(roles === 'public' ? [] : [401 as const, 403 as const]),
    ...(path.includes(':') || answer.mayLack ? [404 as const] : []),
    ...(isReading(route) ? [] : [409 as const, 422 as const]),
  ];
  return {
    [status]: { description: 'Done', ...(status !== 204 && method !== 'head' && { content }) },
    ...Object.fromEntries(expected.map((one) => [one, { $ref: `#/components/responses/r${one}` }])),
  };
}

/** JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}

function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z]+/).filter((word) => word !== '');
  return [method, ...words.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('');
}
