import { describe, expect, it } from 'vitest';
import type { DicomDataset } from '../../viewer/src/api/dicom-json.ts';
import { number, numbers, personName, text } from '../../viewer/src/api/dicom-json.ts';
import { chooseBackend } from '../../viewer/src/imaging/capabilities.ts';
import { layoutOf, samplesOf, type SampleLayout } from '../../viewer/src/imaging/native-samples.ts';
import { pictureOf } from '../../viewer/src/imaging/picture-of-study.ts';
import { frameUrl, inReadingOrder, seriesOf, subjectOf } from '../../viewer/src/imaging/series.ts';
import { sameSubject } from '../../viewer/src/imaging/subject.ts';
import { rangeOf, windowOf, windowOfSamples } from '../../viewer/src/imaging/window.ts';

describe('the window', () => {
  it('is the linear function of PS3.3 C.11.2.1.2.1, there and back', () => {
    expect(rangeOf({ center: 2048, width: 4096 })).toEqual({ lower: 0, upper: 4095 });
    expect(windowOf({ lower: 0, upper: 4095 })).toEqual({ center: 2048, width: 4096 });
    expect(rangeOf({ center: 10, width: 0 })).toEqual({ lower: 9.5, upper: 9.5 });
  });

  it('shows every value where the image brings none', () => {
    expect(rangeOf(windowOfSamples([3, -5, 9], 2, -10))).toEqual({ lower: -20, upper: 8 });
    expect(rangeOf(windowOfSamples([1, 2], -1, 0))).toEqual({ lower: -2, upper: -1 });
    expect(windowOfSamples([], 1, 0).width).toBe(1);
  });
});

describe('native samples', () => {
  const layout: SampleLayout = { rows: 1, columns: 2, bitsAllocated: 16, bitsStored: 12, signed: false };

  it('are little endian, without the bits above the stored ones', () => {
    expect([...samplesOf(Uint8Array.of(0x34, 0xf2, 0xff, 0x0f), layout)]).toEqual([0x234, 0xfff]);
  });

  it('carry the sign of the highest stored bit', () => {
    expect([...samplesOf(Uint8Array.of(0xff, 0x0f, 0x00, 0x08), { ...layout, signed: true })]).toEqual([-1, -2048]);
    expect([
      ...samplesOf(Uint8Array.of(0xff, 0x7f), { ...layout, bitsAllocated: 8, bitsStored: 8, signed: true }),
    ]).toEqual([-1, 127]);
  });

  it('may start at an odd place of a larger answer', () => {
    const whole = Uint8Array.of(9, 1, 0, 2, 0);
    expect([...samplesOf(whole.subarray(1), layout)]).toEqual([1, 2]);
  });

  it('are refused when the frame is too short', () => {
    expect(() => samplesOf(new Uint8Array(3), layout)).toThrow(RangeError);
  });

  it.each([
    ['colour', { '00280004': ['RGB'], '00280002': [3] }],
    ['packed bits', { '00280100': [1], '00280101': [1] }],
    ['32-bit samples', { '00280100': [32], '00280101': [32] }],
    ['samples that do not lie at the low end', { '00280101': [12], '00280102': [15] }],
    ['no size', { '00280010': [] }],
  ])('are left to the server for %s', (_what, change) => {
    const plain = {
      '00280010': [4],
      '00280011': [4],
      '00280100': [16],
      '00280101': [16],
      '00280004': ['MONOCHROME2'],
      '00280002': [1],
    };
    expect(layoutOf(dataset(plain))).toBeDefined();
    expect(layoutOf(dataset({ ...plain, ...change }))).toBeUndefined();
  });
});

describe('series', () => {
  const slice = (sop: string, instanceNumber: number, z?: number, more: Record<string, unknown[]> = {}) =>
    dataset({
      '0020000D': ['1.2'], '0020000E': ['1.2.3'], '00080018': [sop], '00200013': [instanceNumber], '00280010': [8], '00280011': [8],
      ...(z !== undefined && { '00200032': [0, 0, z], '00200037': [1, 0, 0, 0, 1, 0] }), ...more,
    }); // prettier-ignore
  const order = (instances: DicomDataset[]) =>
    inReadingOrder(instances).map((instance) => text(instance, 'SOPInstanceUID'));

  it('are read along the anatomy where every slice states its place', () => {
    expect(order([slice('c', 3, 30), slice('a', 1, 10), slice('b', 9, 20)])).toEqual(['a', 'b', 'c']);
    expect(order([slice('a', 1, 30), slice('b', 2, 20), slice('c', 3, 10)])).toEqual(['a', 'b', 'c']);
  });

  it('are read by number where places are missing or the same', () => {
    expect(order([slice('b', 2, 10), slice('a', 1, 10)])).toEqual(['a', 'b']);
    expect(order([slice('b', 2, 10), slice('a', 1)])).toEqual(['a', 'b']);
  });

  it('leave out what has no pixels, and count the frames of the rest', () => {
    const report = dataset({ '0020000D': ['1.2'], '0020000E': ['1.2.9'], '00080018': ['r'] });
    const [only, ...others] = seriesOf([report, slice('m', 1, undefined, { '00280008': ['3'] })]);
    expect(others).toEqual([]);
    expect(only?.frames.map(({ frame }) => frame)).toEqual([1, 2, 3]);
    expect(frameUrl('/dicomweb', only!.frames[2]!)).toBe('/dicomweb/studies/1.2/series/1.2.3/instances/m/frames/3');
  });

  it('stand by their number, those without one last', () => {
    const later = slice('x', 1, undefined, { '0020000E': ['1.2.8'] });
    const first = slice('y', 1, undefined, { '0020000E': ['1.2.9'], '00200011': [1] });
    expect(seriesOf([later, first]).map((series) => series.SeriesInstanceUID)).toEqual(['1.2.9', '1.2.8']);
  });
});

describe('whose images these are', () => {
  const patient = { identifier: [{ value: 'MRN-1' }], name: [{ family: 'Müller', given: ['Änne'] }] };

  it.each([
    ['the same number', { id: ' MRN-1 ', name: 'Other' }, true],
    ['another number, though the name fits', { id: 'MRN-2', name: 'Müller, Änne' }, false],
    ['no number, the same name in other order and spelling', { id: undefined, name: 'MULLER, Anne' }, true],
    ['no number and another name', { id: undefined, name: 'Muller, Hans' }, false],
    ['neither', { id: undefined, name: undefined }, true],
  ])('with %s', (_what, subject, same) => expect(sameSubject(patient, subject)).toBe(same));

  it('is read from the first instance', () => {
    const images = [dataset({ '00100010': [{ Alphabetic: 'Rao^Arjun^K' }], '00100020': ['D-1'] })];
    expect(subjectOf(images)).toEqual({ name: 'Rao, Arjun K', id: 'D-1' });
    expect(subjectOf([])).toBeUndefined();
  });
});

describe('DICOM JSON', () => {
  it('gives numbers also where they came as text, and nothing where there is nothing', () => {
    const instance = dataset({ '00281050': ['40', 'x', ''], '00280010': [512] });
    expect([numbers(instance, 'WindowCenter'), number(instance, 'Rows'), number(instance, 'Columns')]).toEqual([
      [40],
      512,
      undefined,
    ]);
    expect(
      personName({ '00100010': { vr: 'PN', Value: [{ Ideographic: '山田^太郎' }] } }, 'PatientName'),
    ).toBeUndefined();
  });
});

describe('the picture that stands for a study', () => {
  const uid = [{ system: 'urn:dicom:uid', value: 'urn:oid:1.2' }];
  const instance = (sop: string, sopClass = '1.2.840.10008.5.1.4.1.1.2') => ({
    uid: sop,
    sopClass: { code: `urn:oid:${sopClass}` },
  });

  it('is the middle one of the first series of originals', () => {
    const series = [
      { uid: '1.2.1', modality: { code: 'SR' }, instance: [instance('sr')] },
      { uid: '1.2.2', modality: { code: 'OT' }, instance: [instance('heat', '1.2.840.10008.5.1.4.1.1.7')] },
      { uid: '1.2.3', modality: { code: 'CT' }, instance: [instance('a'), instance('b'), instance('c')] },
    ];
    const study = {
      resourceType: 'ImagingStudy' as const,
      status: 'available' as const,
      subject: {},
      identifier: uid,
      series,
    };
    expect(pictureOf(study)).toEqual({ StudyInstanceUID: '1.2', SeriesInstanceUID: '1.2.3', SOPInstanceUID: 'b' });
    expect(pictureOf({ ...study, series: series.slice(0, 1) })).toBeUndefined();
    expect(pictureOf({ ...study, identifier: [] })).toBeUndefined();
  });
});

describe('the renderer', () => {
  it('is the processor without real graphics hardware', () => {
    expect(chooseBackend({ webgl: false, softwareRasterizer: false, renderer: '' })).toMatchObject({
      kind: 'cpu',
      reason: 'no-webgl',
    });
    expect(chooseBackend({ webgl: true, softwareRasterizer: true, renderer: 'SwiftShader' })).toMatchObject({
      kind: 'cpu',
      reason: 'software-webgl',
    });
    expect(chooseBackend({ webgl: true, softwareRasterizer: false, renderer: 'GPU' })).toMatchObject({ kind: 'gpu' });
  });
});

function dataset(values: Record<string, unknown[]>): DicomDataset {
  return Object.fromEntries(Object.entries(values).map(([tag, Value]) => [tag, { vr: 'UN', Value }]));
}
