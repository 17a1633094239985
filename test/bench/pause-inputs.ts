/** The dearest legal requests that the pause bench sends, made here; all people are invented. */
import { dicomFile, header, imageElements, imageFile, newUid, type Element } from '../harness/dicom-file.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

export const observation = (components: number) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: numbers(Math.min(components, 400)).map((index) => ({ system: 'urn:a', code: `o${index}` })) },
  valueInteger: 1,
  component: numbers(components).map((index) => ({ code: { text: `c${index}` }, valueInteger: index })),
});

export const patient = (names: number) => ({
  resourceType: 'Patient',
  name: numbers(names).map((index) => ({ family: `v${index}` })),
});

export const questionnaire = (items: number) => ({
  resourceType: 'Questionnaire',
  status: 'draft',
  item: numbers(items).map((index) => ({ linkId: `l${index}`, type: 'string', text: 't' })),
});

export const collection = (entries: number) => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: numbers(entries).map((index) => ({
    fullUrl: `urn:uuid:00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    resource: { resourceType: 'Observation', status: 'final', code: { text: 'x' }, valueInteger: index },
  })),
});

/** Each entry refers to the first one. */
export const writes = (type: 'batch' | 'transaction', entries: number, components = 8) => ({
  resourceType: 'Bundle',
  type,
  entry: numbers(entries).map((index) => ({
    fullUrl: `urn:uuid:00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    resource:
      index === 0
        ? { ...patient(1), identifier: [{ system: 'urn:bench', value: type }] }
        : {
            ...observation(components),
            ...(type === 'transaction' && { subject: { reference: 'urn:uuid:00000000-0000-4000-8000-000000000000' } }),
          },
    request: { method: 'POST', url: index === 0 ? 'Patient' : 'Observation' },
  })),
});

export const reads = (url: string, entries: number) => ({
  resourceType: 'Bundle',
  type: 'batch',
  entry: numbers(entries).map(() => ({ request: { method: 'GET', url } })),
});

const explicit = { explicit: true, littleEndian: true };

/** A radiotherapy structure set of about 18 MB: contours of text, most of it too long to stay in the header. */
export function structureSet(study: string, roughly = 18 << 20): Buffer {
  const contour = numbers(3000).map((index) => `${index % 512}.25\\${index % 400}.5\\-12`).join('\\'); // prettier-ignore
  const count = Math.ceil(roughly / contour.length);
  const contours = numbers(count).map((): Element[] => [
    ['30060042', 'CS', 'CLOSED_PLANAR'],
    ['30060046', 'IS', '3000'],
    ['30060050', 'DS', contour.slice(0, 60_000)],
  ]);
  return dicomFile([
    ...imageElements({ study, modality: 'RTSTRUCT' })
      .filter(([tag]) => tag < '0028')
      .map((one): Element => (one[0] === '00080016' ? ['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.481.3'] : one)),
    ['30060039', 'SQ', [[['30060040', 'SQ', contours]]]],
  ]);
}

/** A slide of small tiles: tiny pixels and one item of functional groups for each (PS3.3 C.7.6.16). */
export function slide(uid: string, tiles: number): Buffer {
  const item = dicomFile(
    [
      ['00209111', 'SQ', [[['00209157', 'UL', [1, 1]]]]],
      ['0048021A', 'SQ', [[['0040072A', 'DS', '1.5'], ['0040073A', 'DS', '2.5'], ['0040074A', 'DS', '0'], ['0048021E', 'SL', 1], ['0048021F', 'SL', 1]]]], // prettier-ignore
      ['00480207', 'SQ', [[['00480106', 'SH', '1']]]],
    ],
    { bare: true },
  );
  const one = Buffer.concat([header('FFFEE000', '', item.length, explicit), item]);
  const groups = Buffer.concat(numbers(tiles).map(() => one));
  const file = imageFile({ study: uid, series: uid, instance: uid, rows: 1, columns: 1, bits: 8, frames: tiles, modality: 'SM', with: [['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.77.1.6']] }); // prettier-ignore
  const pixels = file.indexOf(header('7FE00010', 'OB', 0, explicit).subarray(0, 6));
  return Buffer.concat([
    file.subarray(0, pixels),
    header('52009230', 'SQ', groups.length, explicit),
    groups,
    file.subarray(pixels),
  ]);
}

/** Small images of one study, each with a header of some kilobytes. */
export function images(study: string, count: number): Buffer[] {
  const series = newUid();
  const more: Element[] = numbers(60).map((index) => [`0009${(0x1000 + index).toString(16).toUpperCase()}`, 'LO', `private ${index}`]); // prettier-ignore
  return numbers(count).map((number) =>
    imageFile({ study, series, number, rows: 2, columns: 2, with: [['00090010', 'LO', 'BENCH'], ...more] }),
  );
}
