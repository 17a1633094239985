import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { tell } from '../../server/core/notices/tell.ts';
import type { NewNotice } from '../../server/core/notices/notice-store.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { inOneTransaction } from '../../server/core/records/write.ts';
import { webPusher, makePushKeys } from '../../server/infrastructure/web-push.ts';
import { forgetPersonal } from '../../server/work/forget-personal.ts';
import { caller, eventually, type Caller } from '../harness/calls.ts';
import { startPushService, type PushService } from '../harness/push-service.ts';
import { Browser } from '../harness/sign-in.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let doctor: Caller;
const services: PushService[] = [];
const json = { 'Content-Type': 'application/json' };

beforeAll(async () => {
  server = await startTestServer();
  doctor = caller(server, (await server.signIn('doctor')).access_token);
});
afterEach(async () => {
  await server.system.sql.query(`delete from push_subscription`);
  for (const service of services.splice(0)) await service.close();
});
afterAll(() => server.stop());

async function subscribed(who: Caller = doctor): Promise<PushService> {
  const service = await startPushService();
  services.push(service);
  const answer = await who.send('POST', '/portal/me/push', service.subscription, json);
  expect([answer.status, await answer.text()]).toEqual([204, '']);
  return service;
}

const happens = (notice: Omit<NewNotice, 'causedBy'>, principal = systemPrincipal('test')) =>
  inOneTransaction(server.system.world, { principal }, (context) => tell(context, notice));
const rows = async () => (await server.system.sql.query(`select from push_subscription`)).length;

test('a browser is told that there is news, encrypted and signed, and nothing of what', async () => {
  const service = await subscribed();
  const { key, subscribed: own } = await doctor.json<{ key: string; subscribed: string[] }>('/portal/me/push');
  expect(own).toHaveLength(1);
  await happens({ kind: 'to-verify', to: { role: 'doctor' }, urgent: true });
  const [message] = await eventually(async () => service.taken.length > 0 && service.taken, 'the message');
  expect(JSON.parse(message!.text)).toEqual({ title: 'CSSS', body: 'There is news in CSSS.' });
  expect(message).toMatchObject({ tokenIsGood: true, path: new URL(service.subscription.endpoint).pathname });
  expect(message!.headers).toMatchObject({ 'content-encoding': 'aes128gcm', urgency: 'high', topic: 'csss-news', ttl: '86400' });
  expect(message!.headers.authorization).toContain(`k=${key}`);
  const [row] = await server.system.sql.query<{ row: string }>(`select push_subscription::text as row from push_subscription`);
  expect(row!.row).not.toContain(service.subscription.endpoint);
  expect(row!.row).not.toContain(service.subscription.keys.auth);
}); // prettier-ignore

test('it is told after the commit, once, and never of what was rolled back', async () => {
  const service = await subscribed();
  await expect(
    inOneTransaction(server.system.world, { principal: systemPrincipal('test') }, async (context) => {
      await tell(context, { kind: 'to-verify', to: { role: 'doctor' } });
      throw new Error('it did not happen');
    }),
  ).rejects.toThrow('it did not happen');
  await happens({ kind: 'to-verify', to: { role: 'doctor' } });
  await eventually(async () => service.taken.length > 0, 'the message');
  await new Promise((done) => setTimeout(done, 1_500));
  expect(service.taken).toHaveLength(1);
});

test('others, and whoever did it, are not told; the language is that of the account', async () => {
  const patient = caller(server, (await server.signIn('patient')).access_token);
  const { id } = await doctor.json<{ id: string }>('/portal/me');
  const [own, other] = [await subscribed(), await subscribed(patient)];
  expect((await patient.send('PATCH', '/portal/me', { language: 'hi' }, json)).status).toBe(200);
  await happens({ kind: 'to-verify', to: { role: 'doctor' } }, { kind: 'user', subject: id, clientId: 'csss-viewer', scopes: [] });
  const { person } = await patient.json<{ person: string }>('/portal/me');
  await happens({ kind: 'report-ready', to: { person } });
  await eventually(async () => other.taken.length > 0, 'the patient to be told');
  expect(other.taken.map(({ text }) => (JSON.parse(text) as { body: string }).body)).toEqual(['CSSS में नई सूचना है।']);
  expect(own.taken).toEqual([]);
}); // prettier-ignore

test('a push service that is away is asked again, and one that knows the browser no more ends it', async () => {
  const service = await subscribed();
  service.answer = 503;
  await happens({ kind: 'to-verify', to: { role: 'doctor' } });
  await eventually(async () => service.taken.length > 0, 'the first try');
  expect(await rows()).toBe(1);
  service.answer = 410;
  await eventually(async () => (await rows()) === 0, 'the subscription to end');
  expect(service.taken.length).toBeGreaterThanOrEqual(2);
});

test('signing out ends it, whoever ends the session; another person in the same browser takes it over', async () => {
  const browser = new Browser(server.url);
  const first = caller(server, (await server.signIn('doctor', { browser })).access_token);
  const service = await subscribed(first);
  await happens({ kind: 'to-verify', to: { role: 'doctor' } });
  await eventually(async () => service.taken.length === 1, 'the message');
  const { sessions } = await first.json<{ sessions: { id: string; current: boolean }[] }>('/portal/me/sessions');
  const current = sessions.find((one) => one.current)!;
  expect((await doctor.send('DELETE', `/portal/me/sessions/${current.id}`, undefined, json)).status).toBe(204);
  await happens({ kind: 'to-verify', to: { role: 'doctor' } });
  const pharmacist = caller(server, (await server.signIn('pharmacist', { browser: new Browser(server.url) })).access_token);
  expect((await pharmacist.send('POST', '/portal/me/push', service.subscription, json)).status).toBe(204);
  await happens({ kind: 'to-prescribe', to: { role: 'pharmacist' } });
  await eventually(async () => service.taken.length === 2, 'the next person to be told');
  await happens({ kind: 'to-verify', to: { role: 'doctor' } });
  expect((await pharmacist.send('DELETE', '/portal/me/push', { endpoint: service.subscription.endpoint }, json)).status).toBe(204);
  expect(await rows()).toBe(0);
  await new Promise((done) => setTimeout(done, 1_000));
  expect(service.taken).toHaveLength(2);
}); // prettier-ignore

test('a subscription whose sign-in is long over goes by itself', async () => {
  await subscribed();
  await server.system.sql.query(
    `update push_subscription set session = 'over', created_at = now() - interval '61 days'`,
  );
  await forgetPersonal(server.system.world);
  expect(await rows()).toBe(0);
});

test.each([
  'http://push.example/1',
  'https://10.0.0.7/push',
  'https://[fe80::1]/push',
  'https://[::ffff:192.168.0.1]/push',
  'https://169.254.169.254/latest/meta-data',
  'https://user:word@push.example/1',
  'ftp://push.example/1',
  'not an address',
])('an address that is not asked is refused: %s', async (endpoint) => {
  const service = await startPushService();
  services.push(service);
  const { keys } = service.subscription;
  const answer = await doctor.send('POST', '/portal/me/push', { endpoint, keys }, json);
  expect([answer.status, await rows()]).toEqual([400, 0]);
});

test.each([
  { p256dh: 'AAAA', auth: 'AAAAAAAAAAAAAAAAAAAAAA' },
  { p256dh: Buffer.alloc(65, 4).toString('base64url'), auth: 'AAAAAAAAAAAAAAAAAAAAAA' },
])('keys that are none are refused: %j', async (keys) => {
  const answer = await doctor.send('POST', '/portal/me/push', { endpoint: 'https://push.example/1', keys }, json);
  expect(answer.status).toBe(400);
});

test('a name that is public when it is registered and private when it is asked is not asked', async () => {
  const { subscription } = await startPushService().then(async (service) => (await service.close(), service));
  const pusher = webPusher(makePushKeys(), { subject: 'mailto:a@b.example', loopback: false, resolve: async () => ['192.168.1.1'] });
  const target = { ...subscription, endpoint: 'https://push.example/1' };
  pusher.check(target);
  await expect(pusher.send(target, 'x', { urgent: false })).rejects.toThrow(/private or reserved network/);
}); // prettier-ignore

test('where the site does not want it, there is no key and nobody subscribes', async () => {
  const quiet = await startTestServer({ environment: { WEB_PUSH: 'false' }, workers: false });
  try {
    const who = caller(quiet, (await quiet.signIn('doctor')).access_token);
    expect(await who.json('/portal/me/push')).toEqual({ subscribed: [] });
    const keys = { p256dh: 'x', auth: 'y' };
    const answer = await who.send('POST', '/portal/me/push', { endpoint: 'https://push.example/1', keys }, json);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await answer.text()).toContain('WEB_PUSH');
  } finally {
    await quiet.stop();
  }
});
