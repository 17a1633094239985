import dicomParser from 'dicom-parser';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../server/core/dicom/byte-source.ts';
import { readFileMeta, readInstance } from '../../../server/core/dicom/part10.ts';
import { imageFile, syntaxes, type ImageOptions } from '../../harness/dicom-file.ts';

const cases: [string, ImageOptions][] = [
  ['explicit', {}],
  ['implicit', { transferSyntax: syntaxes.implicit }],
  ['big endian', { transferSyntax: syntaxes.bigEndian }],
  ['undefined lengths', { undefinedLengths: true, with: [['00081140', 'SQ', [[['00081150', 'UI', '1.2']], []]]] }],
  [
    'encapsulated',
    {
      transferSyntax: syntaxes.jpeg,
      frames: 2,
      pixels: { offsets: [0, 28], fragments: [Buffer.alloc(20, 1), Buffer.alloc(30, 2)] },
    },
  ],
];

describe('our reader and dicom-parser', () => {
  it.each(cases)('see the same file: %s', (_, options) => {
    const file = imageFile(options);
    const source = memorySource(file);
    const ours = readInstance(source, readFileMeta(source));
    const theirs = dicomParser.parseDicom(file);
    for (const [keyword, tag] of [
      ['StudyInstanceUID', 'x0020000d'],
      ['SeriesInstanceUID', 'x0020000e'],
      ['SOPInstanceUID', 'x00080018'],
      ['SOPClassUID', 'x00080016'],
      ['TransferSyntaxUID', 'x00020010'],
    ] as const) {
      expect(ours[keyword]).toBe(theirs.string(tag));
    }
    const pixels = theirs.elements['x7fe00010']!;
    expect(ours.bulk['7FE00010']!.offset).toBe(pixels.dataOffset);
    if (ours.frames?.encapsulated) {
      const fragments = pixels.fragments!.map(({ position, length }) => [position, length]);
      expect(ours.frames.frames.flat()).toEqual(fragments);
    } else {
      expect(ours.frames).toMatchObject({ offset: pixels.dataOffset, length: pixels.length });
    }
    const tags = Object.keys(theirs.elements).filter((tag) => !tag.startsWith('x0002'));
    expect(Object.keys(ours.attributes).map((tag) => `x${tag.toLowerCase()}`)).toEqual(tags);
  });
});
