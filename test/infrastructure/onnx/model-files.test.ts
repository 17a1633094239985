import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../../models/training/digest.ts';
import { MessageWriter } from '../../../models/training/protobuf.ts';
import { checkModel } from '../../../server/infrastructure/onnx/check-model.ts';
import { modelFiles, type ServedModels } from '../../../server/infrastructure/onnx/model-files.ts';
import { readOnnxInterface } from '../../../server/infrastructure/onnx/onnx-interface.ts';
import { goldenImage } from '../../../server/infrastructure/onnx/self-test.ts';
import { alteredCopy, makeModel, shippedFolder, type MadeModel, shippedVersion } from '../../harness/models.ts';
import { SHIPPED, SHIPPED_INT8 } from '../../models/shipped.ts';

let folder: string;
let second: MadeModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-models-'));
  second = await makeModel(folder, { version: '2.0.0', temperature: 2 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const check = (path: string) => checkModel(path, { shipped: false, providers: ['cpu'], tested: new Set() });
let copies = 0;
const altered = (file: string, change: (bytes: Buffer) => Buffer | string) =>
  alteredCopy(shippedFolder, join(folder, `copy-${++copies}`), file, change);

/** The shipped folder with another model file, described honestly. */
async function withFile(file: Uint8Array): Promise<string> {
  const copy = await altered('model.onnx', () => Buffer.from(file));
  const json = JSON.parse(await readFile(join(copy, 'model.json'), 'utf8')) as { model: object; evaluation: unknown };
  json.model = { ...json.model, sha256: sha256(file), bytes: file.length };
  json.evaluation = null;
  await writeFile(join(copy, 'model.json'), JSON.stringify(json));
  return copy;
}

const appended = (build: (model: MessageWriter) => unknown): Uint8Array => {
  const more = new MessageWriter();
  build(more);
  return Buffer.concat([SHIPPED.bytes(), more.finish()]);
};

describe('checking a model folder', () => {
  test('the shipped model and one of another temperature pass', async () => {
    expect(await check(shippedFolder)).toMatchObject({
      digest: SHIPPED.manifest().model.sha256,
      evaluation: { externalImages: 277 },
    });
    expect(await check(second.folder)).toMatchObject({ digest: second.digest, description: { version: '2.0.0' } });
  });

  test('the released model in 8 bits passes its self-test on this machine', async () => {
    const { version, model } = SHIPPED_INT8.manifest();
    expect(await check(SHIPPED_INT8.folder)).toMatchObject({ digest: model.sha256, description: { version } });
  });

  test('the interface of the shipped file is read as it is', () => {
    const found = readOnnxInterface(SHIPPED.bytes());
    expect(found.inputs).toEqual([{ name: 'image', type: 2, shape: [undefined, 224, 224, 3] }]);
    expect(found.outputs).toContainEqual({ name: 'gradcam', type: 1, shape: [undefined, 6, 7, 7] });
    expect(found).toMatchObject({ operatorSets: [{ domain: '', version: 13 }], ownFunctions: 0, externalData: false });
    expect([...found.operatorDomains]).toEqual(['']);
  });

  test.each([
    [
      'an altered file',
      'model.onnx',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]),
      'digest',
    ],
    [
      'an altered evaluation',
      'evaluation/evaluation.json',
      (bytes: Buffer) => bytes.toString().replace('0.75', '0.95'),
      'digest',
    ],
    [
      'a description of another input',
      'model.json',
      (bytes: Buffer) => bytes.toString().replaceAll('224', '299'),
      'shape',
    ],
    [
      'a description of another gate',
      'model.json',
      (bytes: Buffer) => bytes.toString().replace('"other"\n', '"other", "fourth"\n'),
      'shape',
    ],
    ['a description that is no JSON', 'model.json', () => '{', 'description'],
    [
      'five labels',
      'model.json',
      (bytes: Buffer) => JSON.stringify({ ...JSON.parse(bytes.toString()), labels: [] }),
      'description',
    ],
    [
      'another class name',
      'model.json',
      (bytes: Buffer) => bytes.toString().replace('"label": "Sick"', '"label": "Ill"'),
      'description',
    ],
    [
      'an evaluation out of the folder',
      'model.json',
      (bytes: Buffer) => bytes.toString().replace('evaluation/evaluation.json', '../evaluation.json'),
      'description',
    ],
    [
      'a model file out of the folder',
      'model.json',
      (bytes: Buffer) => bytes.toString().replace('"model.onnx"', '"../model.onnx"'),
      'description',
    ],
    [
      'known answers that differ',
      'golden.json',
      (bytes: Buffer) => bytes.toString().replace(/("probabilities":\s*\[\s*)[\d.e-]+/, '$10.99999'),
      'self-test',
    ],
  ])('%s is refused with its code', async (_name, file, change, code) => {
    const copy = await altered(file, change);
    const found = await check(copy);
    expect(found).toMatchObject({ code, folder: basename(copy) });
    expect((found as { reason: string }).reason).not.toContain(folder);
  });

  test.each([
    ['no protobuf', () => Buffer.from('not a model at all'), 'shape'],
    ['cut short', () => SHIPPED.bytes().subarray(0, 1000), 'shape'],
    ['an operator of another domain', () => new MessageWriter().message(7, (graph) => graph.message(1, (node) => node.text(4, 'Run').text(7, 'com.evil'))).finish(), 'operators'],
    ['an operator hidden in a subgraph', () => new MessageWriter().message(7, (graph) => graph.message(1, (node) => node.text(4, 'If').message(5, (attribute) =>
      attribute.message(6, (inner) => inner.message(1, (hidden) => hidden.text(7, 'com.evil')))))).finish(), 'operators'],
    ['another operator set beside', () => appended((model) => model.message(8, (set) => set.text(1, 'com.microsoft').integer(2, 1))), 'operators'],
    ['operators of its own', () => appended((model) => model.message(25, (own) => own.text(1, 'f'))), 'operators'],
    ['weights in another file', () => new MessageWriter().message(7, (graph) => graph.message(5, (weights) => weights.integer(14, 1))).message(8, (set) => set.integer(2, 13)).finish(), 'operators'],
    ['a much newer operator set', () => new MessageWriter().message(7, (graph) => graph.text(2, 'g')).message(8, (set) => set.integer(2, 99)).finish(), 'operators'],
    ['other inputs and outputs', () => new MessageWriter().message(7, (graph) => graph.text(2, 'g')).message(8, (set) => set.integer(2, 13)).finish(), 'shape'],
  ])('a file with %s is refused', async (_name, file, code) => {
    expect(await check(await withFile(file()))).toMatchObject({ code });
  }); // prettier-ignore

  test('a folder without a model, and no folder', async () => {
    await mkdir(join(folder, 'empty'));
    for (const path of [join(folder, 'empty'), join(folder, 'nowhere')])
      expect(await check(path)).toMatchObject({ code: 'missing-file' });
  });
});

describe('serving', () => {
  const plain = { slope: 1, intercept: 0, inverse: false };
  const frame = () => ({
    rows: 224, columns: 224, samplesPerPixel: 1 as const, bitsStored: 8, signed: false, photometricInterpretation: 'MONOCHROME2',
    pixels: goldenImage(1, 224).filter((_, i) => i % 3 === 0),
  }); // prettier-ignore
  const first = SHIPPED.manifest().model.sha256;
  let served: ServedModels;
  const models = () => join(folder, 'models');

  beforeAll(async () => {
    await mkdir(models());
    await alteredCopy(second.folder, join(models(), 'second'), 'golden.json', (bytes) => bytes);
    await alteredCopy(second.folder, join(models(), 'broken'), 'model.onnx', (bytes) => bytes.subarray(0, 500));
    served = modelFiles({ shippedFolder, modelsFolder: models(), providers: ['cpu'], workers: 1, onFault: (error) => { throw error; } }); // prettier-ignore
    await served.files.scan(new Set());
    await served.files.serve({ active: { digest: first }, shadow: undefined });
  });
  afterAll(() => served.files.close());

  test('good folders are found, the broken one is listed, the active model serves', async () => {
    expect(served.files.found().map(({ digest }) => digest).sort()).toEqual([first, second.digest].sort()); // prettier-ignore
    expect(served.files.refused()).toMatchObject([{ folder: 'broken', code: 'digest' }]);
    expect((await served.classifier.classify(frame(), plain)).model.version).toBe(shippedVersion);
  });

  test('a switch ends no run: who holds the old model ends with it, who comes later gets the new', async () => {
    const held = served.classifier.hold();
    const running = Array.from({ length: 4 }, () => held.classify(frame(), plain));
    await served.files.serve({ active: { digest: second.digest }, shadow: first });
    const late = await held.classify(frame(), plain);
    const shadowed = served.shadow.classify(frame(), plain);
    const all = await Promise.all([...running, served.classifier.classify(frame(), plain)]);
    expect(all.map(({ model }) => model.version)).toEqual([
      shippedVersion,
      shippedVersion,
      shippedVersion,
      shippedVersion,
      '2.0.0',
    ]);
    expect(late.model.version).toBe(shippedVersion);
    expect(await Promise.race([shadowed, sleep(500, 'waits')])).toBe('waits'); // as long as an analysis is in hand
    held.release();
    held.release();
    expect((await shadowed).model.version).toBe(shippedVersion);
    await expect(held.classify(frame(), plain)).rejects.toMatchObject({ code: 'transient' });
    expect(served.classifier.state()).toMatchObject({ ready: true, model: { version: '2.0.0' } });
  });

  test('switched off it says so and refuses for another try; switched on it answers', async () => {
    await served.files.serve({
      active: { off: 'switched off by Ada: lateral films', switchedOff: true },
      shadow: undefined,
    });
    expect(served.classifier.state()).toEqual({
      ready: false,
      reason: 'switched off by Ada: lateral films',
      switchedOff: true,
    });
    await expect(served.classifier.classify(frame(), plain)).rejects.toMatchObject({ code: 'transient' });
    await served.files.serve({ active: { digest: first }, shadow: undefined });
    expect((await served.classifier.classify(frame(), plain)).model.version).toBe(shippedVersion);
  });

  test('files altered after they were found cannot be prepared, and the active model goes on', async () => {
    const file = join(models(), 'second', 'model.onnx');
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, -1));
    await expect(served.files.prepare(second.digest, 'active')).rejects.toMatchObject({
      code: 'business-rule',
      message: expect.stringMatching(/SHA-256/) as string,
    });
    expect((await served.classifier.classify(frame(), plain)).model.version).toBe(shippedVersion);
    await writeFile(file, whole);
    const prepared = await served.files.prepare(second.digest, 'active');
    await prepared.discard();
  });

  test('a model that the registry wants and this server has not is not replaced by another in silence', async () => {
    await served.files.serve({ active: { digest: 'f'.repeat(64) }, shadow: undefined });
    expect(served.classifier.state()).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/not on this server/) as string,
    });
  });

  test('the shipped model is kept in the folder of models, so that a later release cannot take it away', async () => {
    const kept = modelFiles({
      shippedFolder: second.folder,
      modelsFolder: models(),
      providers: ['cpu'],
      workers: 1,
      onFault: () => {},
    });
    await kept.files.scan(new Set([first]));
    expect(kept.files.found().map(({ digest, shipped }) => [digest, shipped])).toContainEqual([first, false]);
    await kept.files.serve({ active: { digest: first }, shadow: undefined });
    expect(kept.classifier.state().ready).toBe(true);
    await kept.files.close();
  });
});

test('a further model of the release is found as one that does not activate itself, and kept once it is active', async () => {
  const place = join(folder, 'candidates');
  await mkdir(place);
  const fault = (error: unknown) => {
    throw error;
  };
  const served = modelFiles({ shippedFolder, candidateFolders: [second.folder], modelsFolder: place, providers: ['cpu'], workers: 1, onFault: fault }); // prettier-ignore
  await served.files.scan(new Set());
  expect(served.files.found().map((model) => [model.digest, model.shipped])).toEqual([
    [SHIPPED.manifest().model.sha256, true],
    [second.digest, false],
  ]);
  await served.files.serve({ active: { digest: second.digest }, shadow: undefined });
  expect(served.classifier.state()).toMatchObject({ ready: true, model: { version: '2.0.0' } });
  expect(await readdir(place)).toEqual([expect.stringContaining(second.digest.slice(0, 12))]);
  await served.files.close();
});

describe('a model that misbehaves when it is started', () => {
  const digest = SHIPPED.manifest().model.sha256;
  const plain = { slope: 1, intercept: 0, inverse: false };
  const frame = () => ({
    rows: 224, columns: 224, samplesPerPixel: 1 as const, bitsStored: 8, signed: false, photometricInterpretation: 'MONOCHROME2',
    pixels: goldenImage(1, 224).filter((_, i) => i % 3 === 0),
  }); // prettier-ignore
  const sessionScript = new URL('../../harness/misbehaving-session.ts', import.meta.url);
  let models: string;
  /** Patient enough for a busy machine. */
  let patient: ServedModels;
  /** For the one that hangs, which takes as long as it may. */
  let hasty: ServedModels;

  async function serving(startMs: number): Promise<ServedModels> {
    const served = modelFiles({
      shippedFolder,
      modelsFolder: models,
      providers: ['cpu'],
      workers: 1,
      session: { sessionScript, startMs, memoryMiB: 600 },
      onFault: (error) => {
        throw error;
      },
    });
    await served.files.scan(new Set());
    await served.files.serve({ active: { digest }, shadow: undefined });
    return served;
  }
  beforeAll(async () => {
    models = join(folder, 'misbehaving');
    await mkdir(models);
    patient = await serving(60_000);
    hasty = await serving(5_000);
  });
  afterAll(() => Promise.all([patient.files.close(), hasty.files.close()]));

  test.each([
    ['hangs', 'timeout', /did not start within 5 seconds/],
    ['aborts', 'crash', /was ended by SIG(ABRT|TRAP)/],
    ['segfaults', 'crash', /was ended by SIGSEGV/],
    ['leaves', 'crash', /ended with code 7/],
    ...(existsSync('/proc/self/status') ? [['swells', 'memory', /more than 600 MiB/] as const] : []),
  ] as const)('one that %s is refused as %s; the active model answers meanwhile', async (how, code, reason) => {
    const served = how === 'hangs' ? hasty : patient;
    const copy = await alteredCopy(second.folder, join(models, how), 'model.json', (bytes) =>
      bytes.toString().replace('"version": "2.0.0"', `"version": "2.0.0-${how}"`),
    );
    let scanned = false;
    const scanning = served.files.scan(new Set([digest])).then(() => (scanned = true));
    let answered = 0;
    for (; !scanned; answered++)
      expect((await served.classifier.classify(frame(), plain)).model.version).toBe(shippedVersion);
    await scanning;
    expect(answered).toBeGreaterThan(1);
    expect(served.files.refused()).toEqual([
      { folder: how, code, reason: expect.stringMatching(reason) as string, digest: second.digest },
    ]);
    // Nobody waits: it is not tried again. Somebody asks: it is.
    const begun = performance.now();
    await served.files.scan(new Set([digest]), { again: false });
    expect(served.files.refused()).toMatchObject([{ folder: how, code }]);
    expect(performance.now() - begun).toBeLessThan(2_000);
    await rm(copy, { recursive: true });
  });

  test('known already and started for a place, it is refused with its reason; the active model goes on', async () => {
    const served = patient;
    await alteredCopy(second.folder, join(models, 'later'), 'model.json', (bytes) =>
      bytes.toString().replace('"version": "2.0.0"', '"version": "2.0.0-segfaults"'),
    );
    await served.files.scan(new Set([digest, second.digest]));
    expect(served.files.refused()).toEqual([]);
    await expect(served.files.prepare(second.digest, 'active')).rejects.toMatchObject({
      code: 'business-rule',
      message: expect.stringMatching(/was ended by SIGSEGV\. Check that the machine has memory left/) as string,
    });
    expect(served.files.lacking()).toBe(false);
    await served.files.serve({ active: { digest }, shadow: second.digest });
    expect(served.files.lacking()).toBe(true);
    expect(served.shadow.state()).toMatchObject({ ready: false, reason: expect.stringMatching(/SIGSEGV.*tries again/) as string }); // prettier-ignore
    expect((await served.classifier.classify(frame(), plain)).model.version).toBe(shippedVersion);
  });
});

test('a session gets no secret of the server, and does not outlive it', async () => {
  const script = join(import.meta.dirname, '../../harness/session-owner.ts');
  const owner = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, shippedFolder], {
    env: { ...process.env, DATABASE_URL: 'postgres://user:secret@example/db', LD_LIBRARY_PATH: '/opt/none' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pid] = (await once(createInterface(owner.stdout), 'line')) as [string];
  const alive = () => {
    try {
      return process.kill(Number(pid), 0);
    } catch {
      return false;
    }
  };
  expect(alive()).toBe(true);
  if (existsSync('/proc/self/environ')) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    expect(environment).toContain('LD_LIBRARY_PATH=/opt/none');
    expect(environment).not.toContain('secret');
  }
  owner.kill('SIGKILL');
  for (let waited = 0; alive() && waited < 10_000; waited += 50) await sleep(50);
  expect(alive()).toBe(false);
});
