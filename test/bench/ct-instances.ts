import { randomBytes } from 'node:crypto';
import dcmjs from 'dcmjs';

const placeholder = (letter: string) => letter.repeat(44);

/**
 * Makes CT instances of any size quickly: one file is written with place holders of fixed length for the
 * UIDs, names and numbers, and each instance is a copy with those bytes replaced. Pixel values are random
 * noise, so nothing can compress or deduplicate them.
 */
export function ctInstances(options: { rows: number; columns: number; frames?: number }): InstanceMaker {
  const frames = options.frames ?? 1;
  const size = options.rows * options.columns * 2 * frames;
  const template = Buffer.from(write(options, frames, randomBytes(Math.min(size, 1 << 20)), size));
  const at = (text: string) => {
    const found: number[] = [];
    for (let i = template.indexOf(text); i >= 0; i = template.indexOf(text, i + 1)) found.push(i);
    return found;
  };
  const places = { study: at(placeholder('7')), series: at(placeholder('8')), instance: at(placeholder('9')), patient: at('PPPPPPPPPP'), number: at('NNNN'), accession: at('AAAAAAAAAAAA') }; // prettier-ignore
  return ({ study, series, instance, patient, number, accession }) => {
    const copy = Buffer.from(template);
    const put = (positions: number[], text: string, length: number) => {
      for (const position of positions) copy.write(text.padEnd(length, '\0').slice(0, length), position, 'latin1');
    };
    put(places.study, study, 44);
    put(places.series, series, 44);
    put(places.instance, instance, 44);
    put(places.patient, patient.padEnd(10), 10);
    put(places.number, String(number).padEnd(4), 4);
    put(places.accession, accession.padEnd(12), 12);
    return copy;
  };
}

export type InstanceMaker = (names: {
  study: string;
  series: string;
  instance: string;
  patient: string;
  number: number;
  accession: string;
}) => Buffer;

/** A new UID below the UUID root, always 44 characters long (an even length, so no padding moves). */
export function newUID(): string {
  const digits = BigInt(`0x${randomBytes(16).toString('hex')}`)
    .toString()
    .padStart(39, '1')
    .slice(0, 39);
  return `2.25.${digits.replace(/^0/, '1')}`;
}

function write(
  { rows, columns }: { rows: number; columns: number },
  frames: number,
  noise: Buffer,
  size: number,
): ArrayBuffer {
  const pixels = new Uint8Array(size);
  for (let at = 0; at < size; at += noise.length) pixels.set(noise.subarray(0, Math.min(noise.length, size - at)), at);
  const { DicomMetaDictionary, DicomDict } = dcmjs.data;
  const sopClass = frames > 1 ? '1.2.840.10008.5.1.4.1.1.12.1' : '1.2.840.10008.5.1.4.1.1.2';
  const file = new DicomDict(
    DicomMetaDictionary.denaturalizeDataset({
      FileMetaInformationVersion: new Uint8Array([0, 1]).buffer,
      MediaStorageSOPClassUID: sopClass,
      MediaStorageSOPInstanceUID: placeholder('9'),
      TransferSyntaxUID: '1.2.840.10008.1.2.1',
      ImplementationClassUID: '2.25.190146791043182537444806132342625375407',
    }),
  );
  file.dict = DicomMetaDictionary.denaturalizeDataset({
    SpecificCharacterSet: 'ISO_IR 192',
    SOPClassUID: sopClass,
    SOPInstanceUID: placeholder('9'),
    StudyInstanceUID: placeholder('7'),
    SeriesInstanceUID: placeholder('8'),
    PatientID: 'PPPPPPPPPP',
    PatientName: 'Bench^PPPPPPPPPP',
    PatientBirthDate: '19700101',
    PatientSex: 'O',
    AccessionNumber: 'AAAAAAAAAAAA',
    StudyID: '1',
    StudyDate: '20260101',
    StudyTime: '120000',
    ReferringPhysicianName: '',
    Modality: frames > 1 ? 'XA' : 'CT',
    SeriesNumber: '1',
    InstanceNumber: 'NNNN',
    ...(frames > 1 ? { NumberOfFrames: String(frames) } : {}),
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: rows,
    Columns: columns,
    BitsAllocated: 16,
    BitsStored: 12,
    HighBit: 11,
    PixelRepresentation: 0,
    WindowCenter: '2048',
    WindowWidth: '4096',
    PixelData: [pixels.buffer],
    _vrMap: { PixelData: 'OW' },
  });
  return file.write();
}

/** A multipart/related body of Part 10 files (PS3.18 8.6.1). */
export function multipart(files: readonly Uint8Array[]): { body: Buffer; contentType: string } {
  const boundary = `b${randomBytes(12).toString('hex')}`;
  const pieces: Uint8Array[] = [];
  for (const file of files) {
    pieces.push(Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`), file, Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    body: Buffer.concat(pieces),
    contentType: `multipart/related; type="application/dicom"; boundary=${boundary}`,
  };
}
