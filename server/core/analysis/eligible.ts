/**
 * Which images the AI is for, by what they say about themselves: one place for the arrival of a study, for the choice of
 * the images that an analysis reads, and for the answer (`decide.ts`).
 *
 * What an image leaves out, or a capture cannot know, stays eligible: the model's own gate decides. Image Laterality
 * (0020,0062) and Photometric Interpretation (0028,0004) tell nothing: chest films come with L, R, U and none, and as
 * pictures of every kind.
 */
import { items, text, texts } from '../dicom/attribute-values.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { DicomJson } from '../dicom/json.ts';
import { own } from '../table.ts';

/** Why an image is none for the AI by what it says about itself (codes of `scan-finding`). */
export type TagRefusal = 'unsupported-modality' | 'unsupported-view' | 'unsupported-body-part';

/** What an image says about itself, in capitals as the standard has them; absent if it does not. */
export interface ImageTags {
  /** Modality (0008,0060). */
  modality?: string;
  /** View Position (0018,5101). */
  viewPosition?: string;
  /** View Code Sequence (0054,0220). */
  view?: Code;
  /** Patient Orientation (0020,0020): where the rows and the columns lead. */
  orientation?: readonly string[];
  /** Body Part Examined (0018,0015). */
  bodyPart?: string;
  /** Anatomic Region Sequence (0008,2218). */
  region?: Code;
}

interface Code {
  value: string;
  meaning: string;
}

/** The attributes that `tagsOf` reads. */
export const eligibilityTags = ['00080060', '00185101', '00540220', '00200020', '00180015', '00082218'] as const;

export function tagsOf({ attributes }: Pick<InstanceRow, 'attributes'>): ImageTags {
  const capitals = (tag: string) => text(attributes, tag)?.toUpperCase();
  const orientation = texts(attributes, '00200020').map((value) => value.toUpperCase());
  const parts = {
    modality: capitals('00080060'),
    viewPosition: capitals('00185101'),
    bodyPart: capitals('00180015'),
    view: codeIn(attributes, '00540220'),
    region: codeIn(attributes, '00082218'),
    orientation: orientation.length > 0 ? orientation : undefined,
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as ImageTags;
}

/** Code Value, or the long one (PS3.3 8.8), with its meaning. */
function codeIn(attributes: DicomJson, tag: string): Code | undefined {
  const [item] = items(attributes, tag);
  const value = text(item, '00080100') ?? text(item, '00080119') ?? '';
  const meaning = text(item, '00080104')?.toUpperCase() ?? '';
  return value === '' && meaning === '' ? undefined : { value: value.toUpperCase(), meaning };
}

type Kind = 'chest' | 'cardiac';

/** Which DICOM modalities each kind of image that the model knows comes from. */
const modalities: Readonly<Record<Kind, readonly string[]>> = { chest: ['CR', 'DX', 'RG'], cardiac: ['MR'] };
/** Secondary captures say nothing about what they show. */
const captures = ['SC', 'OT', 'XC', 'DOC'];

/** @returns undefined for an image that is for the AI, or does not say that it is not. */
export function refusalByTags(tags: ImageTags): TagRefusal | undefined {
  const { modality = '' } = tags;
  if (modality === '' || captures.includes(modality)) return undefined;
  const kind = (Object.keys(modalities) as Kind[]).find((one) => modalities[one].includes(modality));
  if (!kind) return 'unsupported-modality';
  if (kind === 'chest' && !isFrontal(tags)) return 'unsupported-view';
  return isOf(kind, tags) ? undefined : 'unsupported-body-part';
}

/** Nothing that it says of its view speaks of another one than from the front or the back. */
function isFrontal({ viewPosition = '', view, orientation = [] }: ImageTags): boolean {
  if (notFrontal.test(viewPosition)) return false;
  if (view && !isFrontalCode(view)) return false;
  // Rows and columns of a frontal view lead left or right and up or down; those of a lateral one to front or back.
  return !orientation.some((direction) => /^[AP]/.test(direction));
}

/** Defined terms of PS3.3 C.8.11.5 (LL, RL, LLD, RLD, LLO, RLO), the obliques of others, and words. */
const notFrontal = /^(LL|RL)|^(LAO|RAO|LPO|RPO|LO|RO)$|^LAT|^OBL|LATERAL|OBLIQUE|LORDOTIC/;

/** Of PS3.16 CID 4010: frontal, antero-posterior, postero-anterior; with their SNOMED-RT identifiers. */
const frontalViews = new Set(['399033003', '399348003', '272479007', 'R-10202', 'R-10206', 'R-10214']);
/** The rest of CID 4010, as far as it can be of a chest. */
const otherViews = new Set(
  `399160007 399312000 399038007 399006002 399059000 399356000 399135007 30730003 399260004 260427002 399352003 260426006
   399198007 399236003 399173006 399184004 399061009 399162004 399196006 399004004 399288005 399225005 399132005 399325008
   399182000 399067008 399110001 399099002 399368009`.split(/\s+/),
);
/** The projections of SNOMED-RT have the numbers R-10200 to R-10299 (CID 4010 as devices of before 2020 send it). */
const snomedRtView = /^R-102\d\d$/;

/** A code of the standard by its value; one that is not known here by what it says. */
function isFrontalCode({ value, meaning }: Code): boolean {
  if (frontalViews.has(value)) return true;
  if (otherViews.has(value) || snomedRtView.test(value)) return false;
  return !/LATERAL|OBLIQUE|AXIAL|TANGENTIAL|SAGITTAL|DECUBITUS/.test(meaning);
}

const bodyParts: Readonly<Record<Kind, RegExp>> = {
  chest: /CHEST|THORAX|LUNG|RIB/,
  cardiac: /HEART|CARDI|CHEST|THORAX/,
};
/** PS3.16 CID 4031 and CID 4 in SNOMED CT and SNOMED-RT: thorax, chest, lung, rib, mediastinum, chest and abdomen. */
const chestRegions = `51185008 816094009 39607008 113197003 72410000 416550000 43799004
  T-D3000 T-28000 T-11300 T-D3300 R-FAB55`.split(/\s+/);
const heartRegions = ['80891009', 'T-32000'];
const regions: Readonly<Record<Kind, ReadonlySet<string>>> = {
  chest: new Set(chestRegions),
  cardiac: new Set([...chestRegions, ...heartRegions]),
};

/** Each of the two that is said must be a part that the model knows: where they contradict each other nobody is sure. */
function isOf(kind: Kind, { bodyPart, region }: ImageTags): boolean {
  const known = own(bodyParts, kind)!;
  if (bodyPart !== undefined && !known.test(bodyPart)) return false;
  return !region || regions[kind].has(region.value) || known.test(region.meaning);
}
