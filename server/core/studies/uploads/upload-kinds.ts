/**
 * What people may bring from a browser: one list, by which the server judges what came and which the browser is given, so that
 * both say the same. A file is what its first bytes say; its name and the type that a browser gives it count for nothing.
 */
export type UploadKind = 'jpeg' | 'png' | 'dicom' | 'zip';

export interface UploadType {
  kind: UploadKind;
  mediaType: string;
  /** Of file names, for the dialog in which people choose. */
  endings: readonly string[];
  /** Bytes in hexadecimal that stand at a place. */
  signature: { at: number; bytes: string };
}

export const uploadTypes: readonly UploadType[] = [
  { kind: 'jpeg', mediaType: 'image/jpeg', endings: ['.jpg', '.jpeg'], signature: { at: 0, bytes: 'ffd8ff' } },
  { kind: 'png', mediaType: 'image/png', endings: ['.png'], signature: { at: 0, bytes: '89504e470d0a1a0a' } },
  { kind: 'dicom', mediaType: 'application/dicom', endings: ['.dcm', '.dicom', '.ima'], signature: { at: 128, bytes: '4449434d' } }, // prettier-ignore
  { kind: 'zip', mediaType: 'application/zip', endings: ['.zip'], signature: { at: 0, bytes: '504b0304' } },
];

/** Bytes from the start of a file that say what it is. */
export const tellingBytes = 132;

/**
 * What a file is by its first bytes. One that is two things at once was made to be taken for either, and is neither.
 *
 * @param beginning `tellingBytes` of it, or all that it has
 */
export function kindOf(beginning: Uint8Array): UploadKind | 'two-kinds' | undefined {
  const found = uploadTypes.filter(({ signature: { at, bytes } }) => {
    const sign = Buffer.from(bytes, 'hex');
    return sign.equals(beginning.subarray(at, at + sign.length));
  });
  if (found.length > 1) return 'two-kinds';
  const [type] = found;
  return type?.kind === 'dicom' && !isHarmlessPreamble(beginning.subarray(0, 128)) ? 'two-kinds' : type?.kind;
}

/**
 * The bytes before the DICM prefix are free for other formats (PS3.10 7.1), and so a program can hide in front of an image. Zeros
 * are what the standard asks for, and TIFF is what slides carry.
 */
function isHarmlessPreamble(preamble: Uint8Array): boolean {
  const start = Buffer.from(preamble.subarray(0, 4)).toString('latin1');
  return preamble.every((byte) => byte === 0) || start === 'II*\0' || start === 'MM\0*' || start === 'II+\0' || start === 'MM\0+'; // prettier-ignore
}

/** Whether pictures have the limit of size, which is smaller than that of images and archives. */
export const isPicture = (kind: UploadKind): kind is 'jpeg' | 'png' => kind === 'jpeg' || kind === 'png';
