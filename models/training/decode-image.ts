import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import dicomParser from 'dicom-parser';
import type { DataSet } from 'dicom-parser';
import sharp from 'sharp';
import { display } from '../../server/core/dicom/display.ts';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { presentationOf } from '../../server/core/dicom/presentation.ts';
import { decodeCompressed } from '../../server/infrastructure/codecs/compressed-frame.ts';
import { describeFrame } from '../../server/infrastructure/codecs/frame-description.ts';
import { decodeNative } from '../../server/infrastructure/codecs/native-frame.ts';
import { IMAGE_SIDE } from './mobilenet.ts';
import { decodePicture } from './pixels.ts';

const IMPLICIT = '1.2.840.10008.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';

/** Elements that decide how samples are shown (PS3.3 C.7.6.3, C.11.1, C.11.2), by how their value is stored. */
const SHORTS = ['00280002', '00280006', '00280010', '00280011', '00280100', '00280101', '00280102', '00280103'];
const NUMBERS = ['00281050', '00281051', '00281052', '00281053'];
const TEXTS = ['00280004', '00281056', '20500020'];

function attributesOf(data: DataSet): DicomJson {
  const attributes: DicomJson = {};
  const parserTag = (tag: string): string => `x${tag.toLowerCase()}`;
  for (const tag of SHORTS) {
    const value = data.uint16(parserTag(tag));
    if (value !== undefined) attributes[tag] = { vr: 'US', Value: [value] };
  }
  for (const tag of NUMBERS) {
    const value = data.floatString(parserTag(tag));
    if (value !== undefined && Number.isFinite(value)) attributes[tag] = { vr: 'DS', Value: [value] };
  }
  for (const tag of TEXTS) {
    const value = data.string(parserTag(tag));
    if (value !== undefined) attributes[tag] = { vr: 'CS', Value: [value] };
  }
  return attributes;
}

/**
 * The first frame of a DICOM file through the server's own codecs and display pipeline, so that an image is seen in
 * training as it is seen in service. Lookup tables are not read here: such a file is refused, not guessed.
 *
 * @throws Problem or Error naming what the file lacks.
 */
export async function decodeDicom(path: string): Promise<Uint8Array> {
  const file = new Uint8Array(readFileSync(path));
  const data = dicomParser.parseDicom(file);
  const pixels = data.elements['x7fe00010'];
  if (!pixels) throw new RangeError('the DICOM file holds no pixel data');
  if (data.elements['x00283000'] || data.elements['x00283010'])
    throw new RangeError('lookup tables are not supported in training');
  const attributes = attributesOf(data);
  const description = describeFrame({ attributes });
  const syntax = data.string('x00020010') ?? IMPLICIT;
  let frame;
  if (pixels.encapsulatedPixelData) {
    const bytes = dicomParser.readEncapsulatedImageFrame(data, pixels, 0, basicOffsets(data, pixels));
    frame = await decodeCompressed(new Uint8Array(bytes), description, syntax);
  } else if (syntax === IMPLICIT || syntax === EXPLICIT) {
    frame = decodeNative(file.slice(pixels.dataOffset, pixels.dataOffset + pixels.length), description);
  } else throw new RangeError(`transfer syntax ${syntax} is not supported in training`);
  const picture = display(
    frame,
    presentationOf({ attributes }, 0, () => undefined),
  );
  const raw = { width: picture.width, height: picture.height, channels: picture.channels };
  const grey = await sharp(picture.data, { raw })
    .toColourspace('b-w')
    .resize(IMAGE_SIDE, IMAGE_SIDE, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer();
  return new Uint8Array(grey);
}

function basicOffsets(data: DataSet, pixels: NonNullable<DataSet['elements'][string]>): number[] {
  const given = pixels.basicOffsetTable ?? [];
  return given.length > 0 ? given : dicomParser.createJPEGBasicOffsetTable(data, pixels);
}

/** PNG, JPEG or DICOM by the file's name, as grey 224 x 224. */
export function decodeImage(path: string): Promise<Uint8Array> {
  return extname(path).toLowerCase() === '.dcm' ? decodeDicom(path) : decodePicture(path);
}
