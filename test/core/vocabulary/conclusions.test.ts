import type { ImagingStudySeries } from '@medplum/fhirtypes';
import { expect, test } from 'vitest';
import {
  classMeantBy,
  conclusionSets,
  conclusionSetsOf,
  conclusionsOf,
} from '../../../server/core/vocabulary/conclusions.ts';
import { displays } from '../../../server/core/vocabulary/displays.ts';
import { systems } from '../../../server/core/vocabulary/systems.ts';

const series = (modality: string, bodySite?: object): ImagingStudySeries =>
  ({ uid: '1.2', modality: { code: modality }, ...(bodySite && { bodySite }) }) as ImagingStudySeries;
const sets = (...all: ImagingStudySeries[]) => conclusionSetsOf({ series: all }).map(({ name }) => name);

test.each([
  [series('DX', { display: 'CHEST' }), ['general', 'chest-radiograph']],
  [series('CR', { system: systems.snomed, code: '51185008', display: 'Chest' }), ['general', 'chest-radiograph']],
  [series('CT', { display: 'LUNG' }), ['general', 'chest-ct']],
  [series('CT', { system: systems.snomed, code: '122496007', display: 'Lumbar spine' }), ['general', 'skeleton']],
  [series('MR', { system: systems.snomed, code: '80891009', display: 'Heart' }), ['general', 'cardiac-mr']],
  [series('MR', { display: 'BRAIN' }), ['general', 'head']],
  [series('US', { display: 'ABDOMEN' }), ['general', 'abdomen']],
  [series('MG', { display: 'BREAST' }), ['general']],
  // What the images do not say excludes nothing.
  [series('CR'), ['general', 'chest-radiograph', 'skeleton', 'abdomen']],
  [series('OT', { display: 'CHEST' }), ['general', 'chest-radiograph', 'chest-ct', 'cardiac-mr']],
])('%j: %j', (one, expected) => expect(sets(one)).toEqual(expected));

test('several series: what fits any of them; none yet: all', () => {
  expect(sets(series('DX', { display: 'CHEST' }), series('CT', { display: 'HEAD' }))).toEqual(['general', 'chest-radiograph', 'head']); // prettier-ignore
  expect(conclusionSetsOf(undefined)).toEqual(conclusionSets);
});

test('every code has a display, is in a set, and is of a system of ours', () => {
  const all = conclusionsOf(undefined);
  expect(all.filter(({ display, code }) => !display || !code)).toEqual([]);
  expect(new Set(all.map(({ system }) => system))).toEqual(new Set([systems.scanFinding, systems.readingConclusion]));
  const known = all.filter(({ system }) => system === systems.readingConclusion).map(({ code }) => code);
  expect(known.sort()).toEqual(Object.keys(displays.conclusion).sort());
  expect(all.map(({ code }) => code)).not.toContain('NIH_MERGED');
});

test('no abnormality is what the model calls Normal', () => {
  const coded = (system: string, code: string) => ({ coding: [{ system, code }] });
  expect(classMeantBy(coded(systems.readingConclusion, 'no-abnormality'))).toBe('Normal');
  expect(classMeantBy(coded(systems.scanFinding, 'COVID'))).toBe('COVID');
  expect(classMeantBy(coded(systems.snomed, 'Normal'))).toBeUndefined();
  expect(classMeantBy({ text: 'Normal' })).toBeUndefined();
});
