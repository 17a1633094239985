import type { InstanceRow } from './instance.ts';
import type { DicomElement, DicomJson } from './json.ts';
import { own } from '../table.ts';
import { segmentedEntries } from './segmented-table.ts';

/** A window over the modality transform's output (PS3.3 C.11.2.1.2). */
export interface Window {
  center: number;
  width: number;
  shape: 'linear' | 'linear-exact' | 'sigmoid';
}

/** A lookup table (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5): entries start at input value `first`. */
export interface LookupTable {
  first: number;
  /** Bits of an entry, 8 to 16. */
  bits: number;
  entries: number[];
}

/** How an image wants its samples to be shown, for one frame. */
export interface Presentation {
  slope: number;
  intercept: number;
  modalityTable?: LookupTable;
  window?: Window;
  voiTable?: LookupTable;
  palette?: [red: LookupTable, green: LookupTable, blue: LookupTable];
  /** Low values are bright: MONOCHROME1, or Presentation LUT Shape INVERSE. */
  inverse: boolean;
  /** Stored values that are background and do not count when a window is made up. */
  padding?: { from: number; to: number };
  /** Height of a pixel to its width, where they differ. */
  aspect?: number;
}

/** Fetches a value that is not in the attributes: little endian bytes of the element at this path, or undefined. */
export type BulkReader = (path: string) => Uint8Array | undefined;

/**
 * Collects the transforms of one frame, from the frame's own functional group, the shared one, or the data
 * set itself, in that order (PS3.3 C.7.6.16.1.2).
 */
export function presentationOf(
  instance: Pick<InstanceRow, 'attributes'>,
  frame: number,
  bulk: BulkReader,
): Presentation {
  const { attributes } = instance;
  const perFrame = itemsOf(attributes['52009230'])[frame];
  const shared = itemsOf(attributes['52009229'])[0];
  const group = (macro: string) => itemsOf(own(perFrame, macro))[0] ?? itemsOf(own(shared, macro))[0] ?? attributes;
  const values = group('00289145');
  const voi = group('00289132');
  const modality = tableOf(attributes, '00283000', bulk);
  const voiTable = voi === attributes ? tableOf(attributes, '00283010', bulk) : undefined;
  const window = windowOf(voi);
  const palette = paletteOf(attributes, bulk);
  const padding = paddingOf(attributes);
  const shape = textOf(attributes['20500020']);
  return {
    slope: numberOf(values['00281053']) || 1,
    intercept: numberOf(values['00281052']) ?? 0,
    ...(modality && { modalityTable: modality }),
    ...(window && { window }),
    ...(voiTable && { voiTable }),
    ...(palette && { palette }),
    inverse: shape === 'INVERSE' || (shape === undefined && textOf(attributes['00280004']) === 'MONOCHROME1'),
    ...(padding && { padding }),
    ...aspectOf(attributes, group('00289110')),
  };
}

/** The first window, of those that an image may offer; one that no function is defined for is none. */
function windowOf(from: DicomJson): Window | undefined {
  const center = numberOf(from['00281050']);
  const width = numberOf(from['00281051']);
  const shape = own({ LINEAR_EXACT: 'linear-exact', SIGMOID: 'sigmoid' }, textOf(from['00281056']) ?? '') ?? 'linear';
  if (center === undefined || width === undefined || width <= 0 || (shape === 'linear' && width < 1)) return undefined;
  return { center, width, shape: shape as Window['shape'] };
}

/**
 * Pixel Aspect Ratio, or the distances of rows and columns where an image says those instead (PS3.3 C.7.6.3.1.7): in the
 * patient, at the detector, on the scanned film.
 */
function aspectOf(attributes: DicomJson, measures: DicomJson): Pick<Presentation, 'aspect'> {
  const places = [attributes['00280034'], measures['00280030'], attributes['00280030'], attributes['00181164'], attributes['00182010']]; // prettier-ignore
  for (const element of places) {
    const [down, across] = (element?.Value ?? []).map(Number);
    if (down === undefined || across === undefined || !(down > 0) || !(across > 0)) continue;
    const aspect = down / across;
    return Math.abs(aspect - 1) > 0.001 && aspect > 0.01 && aspect < 100 ? { aspect } : {};
  }
  return {};
}

function paddingOf(attributes: DicomJson): Presentation['padding'] {
  // Of float images by names of their own (PS3.3 C.7.6.24).
  const value = numberOf(attributes['00280120'] ?? attributes['00280122'] ?? attributes['00280123']);
  if (value === undefined) return undefined;
  const limit = numberOf(attributes['00280121'] ?? attributes['00280124'] ?? attributes['00280125']) ?? value;
  return { from: Math.min(value, limit), to: Math.max(value, limit) };
}

function tableOf(attributes: DicomJson, sequence: string, bulk: BulkReader): LookupTable | undefined {
  const item = itemsOf(own(attributes, sequence))[0];
  if (!item) return undefined;
  return lookupTable(item['00283002'], item['00283006'], () => bulk(`${sequence}.1.00283006`));
}

function paletteOf(attributes: DicomJson, bulk: BulkReader): Presentation['palette'] {
  const [red, green, blue] = ['1', '2', '3'].map((colour) => {
    const data = `0028120${colour}`;
    const descriptor = own(attributes, `0028110${colour}`);
    const segments = `0028122${colour}`;
    return (
      lookupTable(descriptor, own(attributes, data), () => bulk(data)) ??
      segmentedTable(descriptor, own(attributes, segments), () => bulk(segments))
    );
  });
  return red && green && blue ? [red, green, blue] : undefined;
}

/** The bits of an entry, 8 or 16, say how wide opcodes and lengths are, too. */
function segmentedTable(
  descriptor: DicomElement | undefined,
  data: DicomElement | undefined,
  bulk: () => Uint8Array | undefined,
): LookupTable | undefined {
  const [count, first, bits] = (descriptor?.Value ?? []).map(Number);
  if (count === undefined || first === undefined || (bits !== 8 && bits !== 16)) return undefined;
  const bytes = inlineBytes(data) ?? bulk();
  if (!bytes) return undefined;
  const cells = bits === 8 ? bytes : Array.from({ length: bytes.length >> 1 }, (_, i) => bytes[i * 2]! | (bytes[i * 2 + 1]! << 8)); // prettier-ignore
  const entries = segmentedEntries(cells, bits, count === 0 ? 65_536 : count);
  return entries && { first, bits, entries };
}

function inlineBytes(data: DicomElement | undefined): Uint8Array | undefined {
  if (data?.InlineBinary === undefined) return undefined;
  return Uint8Array.from(atob(data.InlineBinary), (letter) => letter.charCodeAt(0));
}

/**
 * A descriptor counts entries (0 means 65,536), names the first input value (signed or not: the reader's VR
 * decided) and the bits of an entry; 8-bit entries are packed two to a word.
 */
function lookupTable(
  descriptor: DicomElement | undefined,
  data: DicomElement | undefined,
  bulk: () => Uint8Array | undefined,
) {
  const [count, first, bits] = (descriptor?.Value ?? []).map(Number);
  if (count === undefined || first === undefined || bits === undefined || bits < 8 || bits > 16) return undefined;
  const length = count === 0 ? 65_536 : count;
  if (data?.Value) return tableIfLong(data.Value.map(Number), length, { first, bits });
  const bytes = inlineBytes(data) ?? bulk();
  if (!bytes) return undefined;
  const wide = bytes.length >= length * 2;
  const entries = Array.from({ length: Math.min(length, wide ? bytes.length >> 1 : bytes.length) }, (_, i) =>
    wide ? bytes[i * 2]! | (bytes[i * 2 + 1]! << 8) : bytes[i]!,
  );
  return tableIfLong(entries, length, { first, bits: wide ? bits : 8 });
}

function tableIfLong(
  entries: number[],
  length: number,
  rest: { first: number; bits: number },
): LookupTable | undefined {
  return entries.length > 0 && entries.length >= length ? { ...rest, entries: entries.slice(0, length) } : undefined;
}

function itemsOf(element: DicomElement | undefined): DicomJson[] {
  return (element?.Value ?? []) as DicomJson[];
}

function numberOf(element: DicomElement | undefined): number | undefined {
  const value = element?.Value?.[0];
  if (value === undefined || value === null || value === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function textOf(element: DicomElement | undefined): string | undefined {
  const value = element?.Value?.[0];
  return typeof value === 'string' && value.trim() !== '' ? value.trim().toUpperCase() : undefined;
}
