import { afterAll, beforeAll, expect, test } from 'vitest';
import { screens } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

interface Preferences {
  language?: string;
  theme?: string;
  views?: { page: string; name: string; query: string }[];
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const path = '/portal/me/preferences';

test.each(['patient', 'doctor', 'pharmacist', 'admin'] as const)(
  'a %s keeps language, look and views, each by itself, and sees the own only',
  async (role) => {
    const call = screens(server, (await server.signIn(role)).access_token);
    expect(await call<Preferences>('PATCH', path, { theme: 'light' })).toMatchObject({
      status: 200,
      body: { theme: 'light' },
    });
    const views = [{ page: role, name: 'Urgent', query: 'priority=stat&sort=-uploaded' }];
    await call('PATCH', path, { views });
    await call('PATCH', path, { language: 'ta' });
    expect((await call<Preferences>('GET', path)).body).toEqual({ language: 'ta', theme: 'light', views });
    expect((await call<Preferences>('PATCH', path, { theme: null, views: null })).body).toEqual({ language: 'ta' });
    expect((await call<{ language: string }>('GET', '/portal/me')).body.language).toBe('ta');
  },
);

test('the language is the account’s: one that the pages do not speak is left alone and not told as theirs', async () => {
  const call = screens(server, (await server.signIn('doctor')).access_token);
  await call('PATCH', '/portal/me', { language: 'hi-IN' });
  expect((await call<Preferences>('GET', path)).body.language).toBe('hi');
  await call('PATCH', path, { language: 'hi' });
  expect((await call<{ language: string }>('GET', '/portal/me')).body.language).toBe('hi-IN');
  await call('PATCH', '/portal/me', { language: 'de-CH' });
  expect((await call<Preferences>('GET', path)).body).not.toHaveProperty('language');
});

test('changes of different keys at the same moment are all kept', async () => {
  const call = screens(server, (await server.signIn('pharmacist')).access_token);
  const changes = [{ theme: 'system' }, { views: [{ page: 'p', name: 'n', query: '' }] }, { language: 'hi' }]; // prettier-ignore
  await Promise.all(changes.map((change) => call('PATCH', path, change)));
  expect((await call<Preferences>('GET', path)).body).toMatchObject({ theme: 'system', language: 'hi', views: [{ name: 'n' }] }); // prettier-ignore
});

test('what is no preference is refused, and nothing of it is kept', async () => {
  const call = screens(server, (await server.signIn('admin')).access_token);
  const before = (await call<Preferences>('GET', path)).body;
  const long = { page: 'admin', name: 'x', query: 'x'.repeat(2001) };
  for (const bad of [
    { language: 'de' },
    { theme: 'pink', views: [] },
    { views: [long] },
    { views: Array.from({ length: 61 }, () => ({ ...long, query: '' })) },
    { views: [{ page: 'admin', name: '  ', query: '' }] },
    { role: 'admin' },
  ])
    expect((await call('PATCH', path, bad)).status).toBe(400);
  expect((await call<Preferences>('GET', path)).body).toEqual(before);
});
