import type { OperationOutcome } from '@medplum/fhirtypes';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeModel } from '../../server/core/analysis/registry/change-model.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { makeModel, makeUntrained, type MadeModel } from '../harness/models.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { SHIPPED } from '../models/shipped.ts';

// Who may ask for what of the registry, and what nobody gets.
let folder: string;
let server: TestServer;
let admin: Caller | undefined;
let [worse, untrained]: MadeModel[] = [];
const shipped = SHIPPED.manifest().model.sha256;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-registry-'));
  worse = await makeModel(folder, { version: '3.0.0', temperature: 1.5, evaluation: 'worse' });
  untrained = await makeUntrained(folder);
  server = await startTestServer({ environment: { MODELS_DIR: folder }, workers: false });
  admin = caller(server, (await server.signIn('admin')).access_token);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const json = { 'Content-Type': 'application/json' };
const post = (path: string, body: object) => admin!.send('POST', `/portal/models/${path}`, body, json);
const list = () => admin!.json<{ models: { digest: string; state: string }[] }>('/portal/models');
const stateOf = async (digest: string) => (await list()).models.find((model) => model.digest === digest)?.state;
const said = async (answer: Response) => ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics!;

describe('who may', () => {
  const routes: [string, string][] = [
    ['GET', ''], ['GET', '/comparison'], ['GET', '/drift'], ['POST', '/rescan'], ['POST', '/rollback'],
    ...['promote', 'shadow', 'withdraw', 'retire', 'deactivate'].map((act): [string, string] => ['POST', `/${shipped}/${act}`]),
  ]; // prettier-ignore

  test.each(routes)('%s /portal/models%s is for administrators only', async (method, path) => {
    const ask = async (token: string | undefined) => {
      const who = caller(server, token);
      const address = `/portal/models${path}`;
      return (await (method === 'GET' ? who.get(address) : who.send(method, address, { reason: 'because' }, json)))
        .status;
    };
    expect(await ask(undefined)).toBe(401);
    expect(await ask('not-a-token')).toBe(401);
    for (const role of ['patient', 'doctor', 'pharmacist'] as const)
      expect([role, await ask((await server.signIn(role)).access_token)]).toEqual([role, 403]);
    expect(await ask(await server.backend())).toBe(403);
    const narrow = await server.signIn('admin', { scope: 'openid fhirUser user/Patient.rs' });
    expect(await ask(narrow.access_token)).toBe(403);
    const reading = await server.signIn('admin', { scope: 'openid fhirUser user/Device.rs' });
    expect(await ask(reading.access_token)).toBe(method === 'GET' ? 200 : 403);
  });

  test('each refusal and each look is in the audit trail', async () => {
    await list();
    const rows = await server.system.sql.query<{ event: string; outcome: string; role: string | null }>(
      `select distinct event, outcome, role from audit where event like 'portal:%'`,
    );
    expect(rows).toContainEqual({ event: 'portal:models-promote', outcome: 'refused', role: 'doctor' });
    expect(rows).toContainEqual({ event: 'portal:models-drift', outcome: 'refused', role: 'patient' });
    expect(rows).toContainEqual({ event: 'portal:models', outcome: 'success', role: 'admin' });
  });
});

describe('what is refused', () => {
  test.each([
    ['no reason', `${shipped}/deactivate`, {}, 400],
    ['an empty reason', `${shipped}/deactivate`, { reason: '  ' }, 400],
    ['a reason without end', `${shipped}/deactivate`, { reason: 'x'.repeat(2000) }, 400],
    ['a body too long', `${shipped}/deactivate`, { reason: 'x'.repeat(20_000) }, 413],
    ['an element that is not known', `${shipped}/deactivate`, { reason: 'because', force: true }, 400],
    ['no digest', `../models/xyz/promote`, { reason: 'because' }, 400],
    ['an unknown model', `${'0'.repeat(64)}/promote`, { reason: 'because' }, 404],
    ['an unknown act', `${shipped}/explode`, { reason: 'because' }, 404],
    ['an act of the server only', `${shipped}/replace`, { reason: 'because' }, 404],
    ['promoting the active model', `${shipped}/promote`, { reason: 'because' }, 409],
    ['retiring the active model', `${shipped}/retire`, { reason: 'because' }, 409],
    ['going back where nothing was before', 'rollback', { reason: 'because' }, 409],
  ])('%s', async (_name, path, body, status) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(((await answer.json()) as OperationOutcome).resourceType).toBe('OperationOutcome');
    expect(await stateOf(shipped)).toBe('active');
  });

  test('a body of another type', async () => {
    expect(
      (await admin!.send('POST', `/portal/models/${shipped}/deactivate`, 'reason=x', { 'Content-Type': 'text/plain' }))
        .status,
    ).toBe(415);
  });

  test('a model below the bar without a written override; an untrained one whatever is written', async () => {
    const below = await post(`${worse!.digest}/promote`, { reason: 'try it' });
    expect([below.status, await said(below)]).toEqual([422, expect.stringMatching(/macro-F1/)]);
    const random = await post(`${untrained!.digest}/promote`, { reason: 'try it', override: 'I insist' });
    expect([random.status, await said(random)]).toEqual([422, expect.stringMatching(/untrained/)]);
    expect(await stateOf(shipped)).toBe('active');
  });
});

test('an untrained model is active only where a demo ships it', async () => {
  const demo = await startTestServer({ environment: { MODEL_DIR: untrained!.folder }, workers: false });
  try {
    const { world } = demo.system;
    expect(world.classifier.state()).toMatchObject({ ready: true, model: { trained: false } });
    const actor = { principal: systemPrincipal('test'), name: 'Ada' };
    const digest = untrained!.digest;
    await changeModel(world, actor, { act: 'deactivate', digest, reason: 'a test' });
    const production = { ...world, settings: { ...world.settings, demo: false } };
    const wanted = { act: 'promote' as const, digest, reason: 'a test', override: 'whatever' };
    await expect(changeModel(production, actor, wanted)).rejects.toMatchObject({ code: 'business-rule' });
    await changeModel(world, actor, wanted);
    expect(world.classifier.state().ready).toBe(true);
  } finally {
    await demo.stop();
  }
});
