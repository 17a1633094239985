import { expect, test } from 'vitest';
import { refusalByTags, tagsOf, type TagRefusal } from '../../../server/core/analysis/eligible.ts';
import type { DicomJson } from '../../../server/core/dicom/json.ts';

const code = (value: string, meaning = '', scheme = 'SCT') => ({
  vr: 'SQ',
  Value: [
    {
      '00080100': { vr: 'SH', Value: [value] },
      '00080102': { vr: 'SH', Value: [scheme] },
      '00080104': { vr: 'LO', Value: [meaning] },
    },
  ],
});
const word = (...values: string[]) => ({ vr: 'CS', Value: values });
const film: DicomJson = { '00080060': word('DX'), '00180015': word('CHEST') };
const without = (tag: string): DicomJson => Object.fromEntries(Object.entries(film).filter(([key]) => key !== tag));

test.each<[string, DicomJson, TagRefusal | undefined]>([
  ['a chest film', film, undefined],
  ['a chest film without a body part', without('00180015'), undefined],
  ['a film of a hand', { ...film, '00180015': word('HAND') }, 'unsupported-body-part'],
  ['a thoracic spine', { ...film, '00180015': word('TSPINE') }, 'unsupported-body-part'],
  ['a region: thorax', { ...without('00180015'), '00082218': code('51185008', 'Thorax') }, undefined],
  ['a region: chest, by its newer code', { ...film, '00082218': code('816094009', 'Chest') }, undefined],
  ['a region: chest, by its older code', { ...film, '00082218': code('T-D3000', 'Chest', 'SRT') }, undefined],
  ['a region of a site of its own: chest', { ...without('00180015'), '00082218': code('X1', 'Chest pa', '99X') }, undefined],
  ['a region: hand', { ...without('00180015'), '00082218': code('85562004', 'Hand') }, 'unsupported-body-part'],
  ['a region that contradicts the body part', { ...film, '00082218': code('85562004', 'Hand') }, 'unsupported-body-part'],
  ['view position PA', { ...film, '00185101': word('PA') }, undefined],
  ['view position LL', { ...film, '00185101': word('LL') }, 'unsupported-view'],
  ['view position LATERAL, in small letters', { ...film, '00185101': word('lateral') }, 'unsupported-view'],
  ['view position RLO', { ...film, '00185101': word('RLO') }, 'unsupported-view'],
  ['view position LPO', { ...film, '00185101': word('LPO') }, 'unsupported-view'],
  ['view code postero-anterior', { ...film, '00540220': code('272479007', 'postero-anterior') }, undefined],
  ['view code antero-posterior, by its older code', { ...film, '00540220': code('R-10206', 'antero-posterior', 'SRT') }, undefined],
  ['view code left lateral', { ...film, '00540220': code('399173006', 'left lateral') }, 'unsupported-view'],
  ['view code lateral, whatever its meaning says', { ...film, '00540220': code('399067008', '') }, 'unsupported-view'],
  ['view code left posterior oblique', { ...film, '00540220': code('399006002', 'left posterior oblique') }, 'unsupported-view'],
  ['view code left lateral, by its older code', { ...film, '00540220': code('R-10236', 'left lateral', 'SRT') }, 'unsupported-view'],
  ['view code of SNOMED-RT in another language', { ...film, '00540220': code('R-10236', 'links anliegend', 'SRT') }, 'unsupported-view'],
  ['view code frontal of SNOMED-RT in another language', { ...film, '00540220': code('R-10202', 'von vorn', 'SRT') }, undefined],
  ['a view code of a site of its own: PA', { ...film, '00540220': code('7', 'PA erect', '99X') }, undefined],
  ['rows to the left, columns to the feet', { ...film, '00200020': word('L', 'F') }, undefined],
  ['a frontal film on its side', { ...film, '00200020': word('H', 'L') }, undefined],
  ['rows to the front', { ...film, '00200020': word('A', 'F') }, 'unsupported-view'],
  ['rows to the back', { ...film, '00200020': word('P', 'F') }, 'unsupported-view'],
  ['a lateral film on its side', { ...film, '00200020': word('F', 'AL') }, 'unsupported-view'],
  ['a slightly turned frontal film', { ...film, '00200020': word('LA', 'F') }, undefined],
  ['CR, RG', { ...film, '00080060': word('CR') }, undefined],
  ['CT', { ...film, '00080060': word('CT') }, 'unsupported-modality'],
  ['ultrasound', { ...film, '00080060': word('US') }, 'unsupported-modality'],
  ['cardiac MR', { '00080060': word('MR'), '00180015': word('HEART') }, undefined],
  ['MR of the heart by region', { '00080060': word('MR'), '00082218': code('80891009', 'Heart') }, undefined],
  ['MR of the brain', { '00080060': word('MR'), '00180015': word('BRAIN') }, 'unsupported-body-part'],
  ['MR slices lead wherever they like', { '00080060': word('MR'), '00200020': word('P', 'F') }, undefined],
  ['a capture says nothing', { '00080060': word('SC'), '00180015': word('HAND') }, undefined],
  ['no modality', {}, undefined],
])('%s: %s', (_name, attributes, refusal) => {
  expect(refusalByTags(tagsOf({ attributes }))).toBe(refusal);
}); // prettier-ignore
