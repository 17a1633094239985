import sax from 'sax';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => {
  server = await dicomwebServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const options = (path: string, accept?: string) =>
  server.get(path, { method: 'OPTIONS', as: null, ...(accept !== undefined && { accept }) });

interface Resource {
  path: string;
  method?: {
    name: string;
    id: string;
    request: { param?: { name: string }[] };
    response: { representation: { mediaType: string }[] };
  }[];
  resource?: Resource[];
}
const jsonOf = async (path: string) =>
  (await options(path, 'application/json')).json<{
    application: { resources: { base: string; resource: Resource[] } };
  }>().application.resources;

/** Every address of a tree with its methods. */
function addresses(resources: Resource[] = [], above = ''): [address: string, method: string][] {
  return resources.flatMap((one) => [
    ...(one.method ?? []).map(({ name }): [string, string] => [`${above}/${one.path}`, name]),
    ...addresses(one.resource, `${above}/${one.path}`),
  ]);
}

describe('what the service says of itself', () => {
  it('is WADL by default, well formed, with every resource', async () => {
    const reply = await options('');
    expect([reply.status, reply.type]).toEqual([200, 'application/vnd.sun.wadl+xml']);
    const paths: string[] = [];
    const xml = sax.parser(true, {});
    xml.onerror = (error) => {
      throw error;
    };
    xml.onopentag = ({ name, attributes }) => {
      if (name === 'resource') paths.push(String(attributes['path']));
    };
    xml.write(reply.body.toString()).close();
    for (const path of ['studies', '{study}', '{instance}', 'metadata', 'rendered', '{list}', 'wado'])
      expect(paths).toContain(path);
  });

  it('names only addresses and methods that there are, and all of them', async () => {
    const { base, resource } = await jsonOf('');
    expect(base).toBe(server.base);
    const all = addresses(resource);
    expect(all.length).toBeGreaterThan(30);
    for (const [address, method] of all) {
      const path = address
        .replace('{list}', '1')
        .replace('{path}', '7FE00010')
        .replace(/\{\w+\}/g, '1.2.3');
      const reply = await server.get(path, {
        method,
        headers: method === 'POST' ? { 'Content-Type': 'text/plain' } : {},
      });
      expect([address, method, reply.status === 405 || /no such address/.test(reply.body.toString())]).toEqual([
        address,
        method,
        false,
      ]);
    }
  });

  it('of a resource is that resource, its methods and what is below', async () => {
    const { resource } = await jsonOf('/studies/1.2.3/series/4.5');
    expect(resource.map(({ path }) => path)).toEqual(['{series}']);
    expect(resource[0]!.resource!.map(({ path }) => path)).toEqual([
      'instances',
      'metadata',
      'bulkdata',
      'pixeldata',
      'rendered',
      'thumbnail',
    ]);
    const search = (await jsonOf('/studies')).resource[0]!.method!.find(({ name }) => name === 'GET')!;
    expect(search.request.param!.map(({ name }) => name)).toContain('fuzzymatching');
    expect(search.response.representation.map(({ mediaType }) => mediaType)).toContain(
      'multipart/related; type="application/dicom+xml"',
    );
  });

  it('says what may be done at an address', async () => {
    expect((await options('/studies')).headers.get('allow')).toBe('GET, HEAD, POST, OPTIONS');
    expect((await options('/studies/1.2.3')).headers.get('allow')).toBe('GET, HEAD, POST, DELETE, OPTIONS');
    const refused = await server.get('/series', { method: 'PUT' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  it('is not there for an address that is not there, nor as something else', async () => {
    expect((await options('/nothing/here')).status).toBe(404);
    expect((await options('', 'image/png')).status).toBe(406);
  });
});
