import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import dcmjs from 'dcmjs';
import sharp from 'sharp';

/** Who and what the demo images pretend to be of; all invented. */
export interface DemoStudy {
  patientId: string;
  patientName: string;
  birthDate: string; // YYYYMMDD
  sex: 'M' | 'F';
  /** Root of the study's UIDs: fixed, so that seeding twice stores nothing twice. */
  studyUID: string;
  accession: string;
  description: string;
  studyDate: string;
  studyTime: string;
}

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const digitalXRay = '1.2.840.10008.5.1.4.1.1.1.1';
const computedTomography = '1.2.840.10008.5.1.4.1.1.2';

/** A chest film as one Digital X-Ray Image (PS3.3 A.26), 8 bits, MONOCHROME2, uncompressed. */
export async function chestFilm(file: string, study: DemoStudy): Promise<Uint8Array> {
  const jpeg = await readFile(join(import.meta.dirname, 'images', file));
  const { data, info } = await sharp(jpeg).greyscale().raw().toBuffer({ resolveWithObject: true });
  return part10(digitalXRay, `${study.studyUID}.1.1`, {
    ...studyAttributes(study),
    Modality: 'DX',
    SeriesInstanceUID: `${study.studyUID}.1`,
    SeriesNumber: '1',
    InstanceNumber: '1',
    SeriesDescription: 'PA',
    BodyPartExamined: 'CHEST',
    ViewPosition: 'PA',
    PatientOrientation: ['L', 'F'],
    ImageLaterality: 'U',
    DetectorType: '',
    PositionerType: '',
    AnatomicRegionSequence: [{ CodeValue: '51185008', CodingSchemeDesignator: 'SCT', CodeMeaning: 'Chest' }],
    AcquisitionContextSequence: [],
    ViewCodeSequence: [{ CodeValue: '399348003', CodingSchemeDesignator: 'SCT', CodeMeaning: 'postero-anterior' }],
    ImageType: ['ORIGINAL', 'PRIMARY', ''],
    PresentationIntentType: 'FOR PRESENTATION',
    PixelIntensityRelationship: 'LOG',
    PixelIntensityRelationshipSign: '1',
    RescaleIntercept: '0',
    RescaleSlope: '1',
    RescaleType: 'US',
    PresentationLUTShape: 'IDENTITY',
    LossyImageCompression: '01',
    BurnedInAnnotation: 'NO',
    ImagerPixelSpacing: ['0.3', '0.3'],
    WindowCenter: '128',
    WindowWidth: '256',
    ...pixels(data, info.height, info.width, 8, 0),
  });
}

/** A synthetic CT of a head-like phantom: ellipsoids of bone, tissue and two "lesions". Shows scrolling and windowing; not a person. */
export function phantomSlices(study: DemoStudy, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, slice) => {
    const rows = 256;
    const values = new Int16Array(rows * rows);
    const z = (slice / (count - 1)) * 2 - 1;
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < rows; x++) values[y * rows + x] = hounsfield((x / rows) * 2 - 1, (y / rows) * 2 - 1, z);
    }
    return part10(computedTomography, `${study.studyUID}.1.${slice + 1}`, {
      ...studyAttributes(study),
      Modality: 'CT',
      SeriesInstanceUID: `${study.studyUID}.1`,
      SeriesNumber: '1',
      InstanceNumber: String(slice + 1),
      SeriesDescription: 'Phantom 5.0 mm',
      FrameOfReferenceUID: `${study.studyUID}.9`,
      PositionReferenceIndicator: '',
      BodyPartExamined: 'HEAD',
      PatientPosition: 'HFS',
      ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
      ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
      ImagePositionPatient: ['-120', '-120', String(slice * 5)],
      PixelSpacing: ['0.9375', '0.9375'],
      SliceThickness: '5',
      KVP: '120',
      AcquisitionNumber: '1',
      RescaleIntercept: '0',
      RescaleSlope: '1',
      RescaleType: 'HU',
      WindowCenter: '40',
      WindowWidth: '400',
      ...pixels(new Uint8Array(values.buffer), rows, rows, 16, 1),
    });
  });
}

/** Hounsfield units at a point of the unit cube. The wave stands for noise and is the same every time. */
function hounsfield(x: number, y: number, z: number): number {
  const inside = (a: number, b: number, c: number, cx = 0, cy = 0, cz = 0) =>
    ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 + ((z - cz) / c) ** 2 <= 1;
  if (!inside(0.72, 0.9, 1.05)) return -1000;
  if (!inside(0.66, 0.84, 0.98)) return 900;
  const ripple = Math.round(8 * Math.sin(37 * x) * Math.cos(41 * y + 13 * z));
  if (inside(0.13, 0.13, 0.25, 0.3, -0.2, 0.1)) return 75 + ripple;
  if (inside(0.1, 0.18, 0.3, -0.25, 0.25, -0.2)) return -5 + ripple;
  if (inside(0.12, 0.3, 0.4, 0.14, 0.05) || inside(0.12, 0.3, 0.4, -0.14, 0.05)) return 8;
  return 35 + ripple;
}

function studyAttributes(study: DemoStudy): Record<string, unknown> {
  return {
    SpecificCharacterSet: 'ISO_IR 192',
    PatientName: study.patientName,
    PatientID: study.patientId,
    IssuerOfPatientID: 'CSSS-DEMO',
    PatientBirthDate: study.birthDate,
    PatientSex: study.sex,
    StudyInstanceUID: study.studyUID,
    StudyID: study.accession,
    AccessionNumber: study.accession,
    StudyDescription: study.description,
    StudyDate: study.studyDate,
    StudyTime: study.studyTime,
    TimezoneOffsetFromUTC: '+0000',
    SeriesDate: study.studyDate,
    SeriesTime: study.studyTime,
    AcquisitionDate: study.studyDate,
    AcquisitionTime: study.studyTime,
    ContentDate: study.studyDate,
    ContentTime: study.studyTime,
    ReferringPhysicianName: 'Demo^Referrer',
    Manufacturer: 'CSSS demo data',
    InstitutionName: 'CSSS Demo Hospital',
    StationName: 'DEMO-1',
  };
}

function pixels(
  data: Uint8Array,
  rows: number,
  columns: number,
  bits: 8 | 16,
  representation: 0 | 1,
): Record<string, unknown> {
  return {
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: rows,
    Columns: columns,
    BitsAllocated: bits,
    BitsStored: bits,
    HighBit: bits - 1,
    PixelRepresentation: representation,
    PixelData: [data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)],
    _vrMap: { PixelData: 'OW' },
  };
}

function part10(SOPClassUID: string, SOPInstanceUID: string, dataset: Record<string, unknown>): Uint8Array {
  const meta = dcmjs.data.DicomMetaDictionary.denaturalizeDataset({
    FileMetaInformationVersion: new Uint8Array([0, 1]).buffer,
    MediaStorageSOPClassUID: SOPClassUID,
    MediaStorageSOPInstanceUID: SOPInstanceUID,
    TransferSyntaxUID: explicitLittleEndian,
    ImplementationClassUID: '2.25.190146791043182537444806132342625375407',
  });
  const file = new dcmjs.data.DicomDict(meta);
  file.dict = dcmjs.data.DicomMetaDictionary.denaturalizeDataset({ SOPClassUID, SOPInstanceUID, ...dataset });
  return new Uint8Array(file.write());
}
