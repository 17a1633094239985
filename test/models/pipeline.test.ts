import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Evaluation } from '../../models/training/evaluate.ts';
import { LABELS } from '../../models/training/labels.ts';
import type { ModelManifest } from '../../models/training/manifest.ts';
import { card, exported, measured, split, train, type Run } from '../../models/training/pipeline.ts';
import { silentProgress, type Progress } from '../../models/training/progress.ts';
import { readSafetensors } from '../../models/training/safetensors.ts';
import { named } from '../../models/training/tensor.ts';
import { SETTINGS } from '../../models/training/training-settings.ts';
import { sha256 } from '../../models/training/digest.ts';
import { madeImage, madeMask } from './made-images.ts';
import { SHIPPED, SHIPPED_INT8 } from './shipped.ts';

const root = mkdtempSync(join(tmpdir(), 'csss-pipeline-'));
const PER_CLASS = 20;

const run = (work: string, more: Partial<Run> = {}): Run => ({
  data: join(root, 'images'),
  base: SHIPPED.model,
  work: join(root, work),
  out: join(root, `${work}-out`),
  foreign: join(root, 'foreign'),
  version: '0.0.2',
  settings: { ...SETTINGS, fromBlock: 16, headEpochs: 6, headCopies: 0, epochs: 2, batch: 16, warmUpSteps: 5 },
  acceptSingleSite: false,
  showable: ['north'],
  progress: silentProgress,
  ...more,
});

async function picture(file: string, pixels: Uint8Array): Promise<void> {
  mkdirSync(join(root, file, '..'), { recursive: true });
  await sharp(pixels, { raw: { width: 224, height: 224, channels: 1 } })
    .png({ compressionLevel: 1 })
    .toFile(join(root, file));
}

beforeAll(async () => {
  const rows = ['file,class,patient,site,view,age,licence'];
  for (const [label, name] of LABELS.entries()) {
    for (let index = 0; index < PER_CLASS; index++) {
      await picture(`images/${name}/${index}.png`, madeImage(label, index));
      rows.push(
        `${name}/${index}.png,${name},${name}-${index},${index % 2 === 0 ? 'north' : 'south'},${name === 'Sick' ? 'SAX' : 'PA'},${index < 10 ? 12 : 70},made by the test`,
      );
    }
  }
  for (let index = 0; index < 6; index++) {
    await picture(`images/external/${index}.png`, madeImage(index % 2 === 0 ? 0 : 3, 500 + index));
    rows.push(`external/${index}.png,${index % 2 === 0 ? 'COVID' : 'Normal'},x${index},elsewhere,PA,,made by the test`);
  }
  await picture('images/Normal/mask.png', madeMask());
  rows.push('Normal/mask.png,Normal,mask,north,PA,,made by the test');
  writeFileSync(join(root, 'images/manifest.csv'), rows.join('\n'));
  await picture('foreign/mask.png', madeMask());
  writeFileSync(join(root, 'foreign/manifest.csv'), 'file,kind\nmask.png,mask\n');
});
afterAll(() => rmSync(root, { recursive: true }));

describe('a small run of the whole pipeline', () => {
  it('learns, measures what it learned, and exports a folder that is complete and consistent', async () => {
    const whole = run('whole');
    const { refused } = await split(whole);
    expect(refused).toEqual([{ file: 'Normal/mask.png', reason: 'mask' }]);
    const { history } = await train(whole);
    expect(history.length).toBeGreaterThan(1);
    const evaluation = await measured(whole);
    // Stripes of six directions are easy; chance is 0.17.
    expect(evaluation.internal.accuracy.value).toBeGreaterThan(0.6);
    expect(evaluation.external?.count).toBe(6);
    expect(evaluation.refusals.foreign).toMatchObject([{ kind: 'mask', count: 1 }]);
    const ages = evaluation.internal.bySubgroup.filter(({ subgroup }) => subgroup === 'age');
    expect(ages.map(({ value }) => value)).toEqual(['65 and over', 'under 18']);
    expect(ages.reduce((sum, { count }) => sum + count, 0)).toBe(evaluation.internal.count);
    expect(evaluation.internal.unknownSubgroups).toEqual(['scanner', 'sex']);
    const manifest = await exported(whole);
    const inside = (name: string): Buffer => readFileSync(join(whole.out, name));
    expect(manifest.trained).toBe(true);
    expect(sha256(inside('model.onnx'))).toBe(manifest.model.sha256);
    expect(sha256(inside('evaluation/evaluation.json'))).toBe(manifest.evaluation?.sha256);
    expect((JSON.parse(inside('evaluation/evaluation.json').toString()) as Evaluation).model.sha256).toBe(
      manifest.model.sha256,
    );
    for (const plot of ['confusion', 'reliability', 'training'])
      expect(inside(`evaluation/${plot}.svg`).toString()).toMatch(/^<svg /);
    expect((await sharp(inside('evaluation/grad-cam.png')).metadata()).width).toBe(896);
    const text = inside('MODEL_CARD.md').toString();
    expect(text).toContain(`${(100 * evaluation.internal.accuracy.value).toFixed(1)} %`);
    card(whole.out);
    expect(inside('MODEL_CARD.md').toString()).toBe(text);
    expect(JSON.parse(inside('fhir/Device.json').toString())).toMatchObject({
      resourceType: 'Device',
      version: [{}, { value: manifest.model.sha256 }],
    });
  }, 240_000);

  it('exports what it learned in 8 bits, too, as a model of its own with its own measurement', async () => {
    const small = run('whole', { precision: 'int8', out: join(root, 'int8-out') });
    const evaluation = await measured(small);
    expect(evaluation.internal.accuracy.value).toBeGreaterThan(0.6);
    const manifest = await exported(small);
    expect(manifest).toMatchObject({ version: '0.0.2+int8', model: { precision: 'int8' } });
    const file = readFileSync(join(small.out, 'model.onnx'));
    expect(evaluation.model.sha256).toBe(sha256(file));
    expect(file.length).toBeLessThan(5e6);
    expect(readFileSync(join(small.out, 'MODEL_CARD.md'), 'utf8')).toContain('convolutions in 8 bits');
  }, 240_000);

  it('goes on after an interruption and ends with the weights of an uninterrupted run', async () => {
    const cut = run('cut');
    const breaking: Progress = (title) => {
      if (title === 'epoch 2') throw new Error('power cut');
      return () => undefined;
    };
    await expect(train({ ...cut, progress: breaking })).rejects.toThrow('power cut');
    await train(cut);
    const [one, other] = ['whole', 'cut'].map(
      (name) => readSafetensors(join(root, name, 'fine-tuning.0.safetensors')).weights,
    );
    if (!one || !other) throw new Error('a checkpoint is missing');
    expect(named(other, 'averaged:top.weight').data).toEqual(named(one, 'averaged:top.weight').data);
  }, 240_000);

  it('refuses to train a class that has one site only, and says why', async () => {
    const single = run('single', { csv: join(root, 'images/single.csv') });
    const rows = readFileSync(join(root, 'images/manifest.csv'), 'utf8').split('\n');
    writeFileSync(
      join(root, 'images/single.csv'),
      rows.filter((row) => !row.includes('COVID') || row.includes('north')).join('\n'),
    );
    await expect(train(single)).rejects.toThrow(/COVID come from one site/);
  });

  it('refuses to export what was not measured', async () => {
    await expect(exported(run('whole', { version: '0.0.3' }))).rejects.toThrow(
      'the evaluation belongs to other weights',
    );
  });
});

describe.each([
  ['float32', SHIPPED],
  ['int8', SHIPPED_INT8],
] as const)('the released folder in %s', (precision, released) => {
  it('is what its manifest says', () => {
    const manifest: ModelManifest = released.manifest();
    expect(manifest.model.precision).toBe(precision);
    expect(sha256(released.bytes())).toBe(manifest.model.sha256);
    expect(released.bytes()).toHaveLength(manifest.model.bytes);
    expect(manifest.labels.map(({ label }) => label)).toEqual([...LABELS]);
    if (manifest.evaluation === null) return;
    const text = readFileSync(join(released.folder, manifest.evaluation.file), 'utf8');
    expect(sha256(text)).toBe(manifest.evaluation.sha256);
    expect((JSON.parse(text) as Evaluation).model.sha256).toBe(manifest.model.sha256);
  });

  it('carries a card whose every number comes from the evaluation', async () => {
    const manifest = released.manifest();
    if (manifest.evaluation === null) return;
    const { modelCard } = await import('../../models/training/card.ts');
    expect(readFileSync(join(released.folder, 'MODEL_CARD.md'), 'utf8')).toBe(
      modelCard(manifest, released.json<Evaluation>(manifest.evaluation.file)),
    );
  });
});

it('the released model in 8 bits scores within a percent of the one in float32', () => {
  const [float, rounded] = [SHIPPED, SHIPPED_INT8].map(
    ({ json }) => json<Evaluation>('evaluation/evaluation.json').internal,
  );
  expect(rounded!.count).toBe(float!.count);
  expect(Math.abs(rounded!.accuracy.value - float!.accuracy.value)).toBeLessThan(0.01);
  expect(Math.abs(rounded!.macroF1.value - float!.macroF1.value)).toBeLessThan(0.01);
});
