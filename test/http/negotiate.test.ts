import { describe, expect, it } from 'vitest';
import { negotiate, parseAccept, type Offer } from '../../server/http/answer/negotiate.ts';

const offers: Offer[] = [
  { name: 'parts', media: 'multipart/related', part: 'application/dicom' },
  { name: 'one', media: 'application/dicom' },
  { name: 'samples', media: 'multipart/related', part: 'application/octet-stream' },
  { name: 'json', media: 'application/dicom+json' },
];
const chosen = (accept: string | undefined, override?: string) =>
  negotiate(accept, override, offers).map(({ name, transferSyntax }) =>
    transferSyntax === undefined ? name : `${name} ${transferSyntax}`,
  );

describe('the first choice for an Accept header', () => {
  it.each([
    [undefined, 'parts'],
    ['', 'parts'],
    ['*/*', 'parts'],
    ['multipart/related', 'parts'],
    ['multipart/*', 'parts'],
    ['application/*', 'one'],
    ['multipart/related; type="application/dicom"', 'parts'],
    ['multipart/related; type=application/dicom', 'parts'],
    ['MULTIPART/Related;Type="Application/DICOM"', 'parts'],
    ['multipart/related; type="application/octet-stream"; transfer-syntax=*', 'samples *'],
    ['multipart/related; type="application/octet-stream"; transfer-syntax="*"', 'samples *'],
    [
      'multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.80',
      'samples 1.2.840.10008.1.2.4.80',
    ],
    ['multipart/related; type="application/octet-stream; transfer-syntax=*"', 'samples *'],
    ['multipart/related; transfer-syntax=*; type="application/dicom"', 'parts *'],
    ['multipart/related; type="*/*"', 'parts'],
    ['application/dicom;q=0.5, application/dicom+json', 'json'],
    ['application/dicom+json;q=0.2, */*;q=0.1', 'json'],
    ['*/*, application/dicom+json', 'json'],
    ['application/dicom json', 'json'],
    ['image/png, application/dicom', 'one'],
    ['image/png;x="a,b;c", application/dicom', 'one'],
    ['application/dicom;transfer-syntax="1.2\\.3"', 'one 1.2.3'],
    ['*/*, multipart/related;q=0', 'one'],
    ['*/*, multipart/related;type="application/dicom";q=0', 'one'],
    [',, ,application/dicom,', 'one'],
    ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', 'parts'], // Java's own client
    ['application/dicom+json;q=.2, application/dicom;q=0.9999', 'one'],
    ['application/dicom+json;q=1.0000, application/dicom;q=.5', 'json'],
  ])('%s', (accept, expected) => expect(chosen(accept)[0]).toBe(expected));

  it.each([
    'image/png', 'application/dicom+json;q=0', '*/*;q=0', 'application', '/', '*/json', 'application/dicom;q=2', 'application/dicom;q=1.1', 'application/dicom;q=.', 'application/dicom;q=.0', 'application/dicom;q=abc',
    'multipart/related; type="image/jp2"', ';;;', '"', 'a/b/c',
  ])('is none for %s', (accept) => expect(chosen(accept)).toEqual([])); // prettier-ignore
});

it('gives all choices in the order of q, then of exactness', () => {
  expect(
    chosen('*/*;q=0.1, application/dicom;q=0.9, multipart/related;type="application/dicom";transfer-syntax=*'),
  ).toEqual(
    ['parts *', 'one', 'parts', 'samples', 'json'], // prettier-ignore
  );
});

it('takes the q of an offer from the most exact range that names it (RFC 9110 12.5.1)', () => {
  expect(chosen('application/dicom+json;q=0.1, */*')).toEqual(['parts', 'one', 'samples', 'json']);
  expect(chosen('application/*;q=0.2, application/dicom;q=0.4, */*;q=0.3')).toEqual([
    'one',
    'parts',
    'samples',
    'json',
  ]);
  expect(chosen('application/*;q=0, application/dicom')).toEqual(['one']);
});

it('does not take a range whose parameter an offer does not go with', () => {
  const resource: Offer[] = [{ name: 'r4', media: 'application/fhir+json', only: { fhirversion: /^(4\.0)?$/ } }];
  const count = (accept: string) => negotiate(accept, undefined, resource).length;
  expect(['application/fhir+json', '*/*', 'application/fhir+json; fhirVersion=4.0'].map(count)).toEqual([1, 1, 1]);
  expect(count('application/fhir+json; fhirVersion=5.0')).toBe(0);
});

it('takes the query parameter before the header', () => {
  expect(chosen('image/png', 'application/dicom+json')[0]).toBe('json');
  expect(chosen('application/dicom+json', 'image/png')).toEqual([]);
});

it('never fails, hangs or invents an offer, whatever is sent', () => {
  const pieces = [
    'multipart/related',
    'application/dicom',
    '*/*',
    '*',
    '/',
    ';',
    ',',
    '"',
    '\\',
    '=',
    ' ',
    'q',
    '0',
    '.5',
    'type',
    'transfer-syntax',
    '\t',
    'é',
    '\u0000',
    '%2C',
    '((',
    'a'.repeat(300),
  ];
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  for (let round = 0; round < 20_000; round++) {
    const header = Array.from({ length: random(24) }, () => pieces[random(pieces.length)]).join('');
    for (const { q } of parseAccept(header)) expect(q >= 0 && q <= 1).toBe(true);
    for (const { name } of negotiate(header, undefined, offers))
      expect(offers.some((offer) => offer.name === name)).toBe(true);
  }
  expect(parseAccept('a/b,'.repeat(100_000)).length).toBeLessThanOrEqual(64);
});
