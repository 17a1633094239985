/**
 * The data dictionary (PS3.6): what a keyword or tag means. The entries come from the `dcmjs` package;
 * this module leaves out its private and made-up ones and spells VRs as PS3.5 does.
 */
import { dictionary as source } from 'dcmjs/dictionary';
import { own } from '../table.ts';

export interface Attribute {
  /** Eight upper-case hex digits: `00100010`. */
  tag: string;
  keyword: string;
  /** The VR of PS3.6; where it offers a choice ("US or SS", "OB or OW"), the first that holds for any value. */
  vr: string;
  /** The VR depends on Pixel Representation: `US` stands for "US or SS". */
  signedness: boolean;
}

/** Spellings of the source for PS3.6's choices: "US or SS", "OB or OW", "US or OW", "UL" of a file offset. */
const choices: Record<string, string> = { xs: 'US', ox: 'OW', lt: 'OW', up: 'UL' };
const publishers = /^(DICOM|Supplement|CP_)/;

const byTag = new Map<string, Attribute>();
const byKeyword = new Map<string, Attribute>();
/** Element numbers of the repeating groups 50xx and 60xx (PS3.5 7.6). */
const repeating = new Map<string, Attribute>();

for (const entry of Object.values(source)) {
  if (!publishers.test(entry.version) || entry.vr === 'na' || entry.vr === '') continue;
  const [, first, last, element] = /^\(([0-9A-F]{4})(-[0-9A-F]{4})?,([0-9A-F]{4})\)$/.exec(entry.tag) ?? [];
  if (first === undefined || element === undefined) continue;
  const attribute: Attribute = {
    tag: first + element,
    keyword: entry.name.replace(/^RETIRED_/, ''),
    vr: own(choices, entry.vr) ?? entry.vr,
    signedness: entry.vr === 'xs',
  };
  if (last !== undefined) repeating.set(first.slice(0, 2) + element, attribute);
  else byTag.set(attribute.tag, attribute);
  if (!byKeyword.has(attribute.keyword)) byKeyword.set(attribute.keyword, attribute);
}

/** Null where several keywords differ in case only. */
const byLowerKeyword = new Map<string, Attribute | null>();
for (const [keyword, attribute] of byKeyword) {
  const lower = keyword.toLowerCase();
  byLowerKeyword.set(lower, byLowerKeyword.has(lower) ? null : attribute);
}

/**
 * The attribute with this keyword (`PatientName`), retired ones included, whatever the case in which it is written if only one keyword
 * can be meant; undefined when there is none.
 */
export function attributeByAnyCase(keyword: string): Attribute | undefined {
  return byKeyword.get(keyword) ?? byLowerKeyword.get(keyword.toLowerCase()) ?? undefined;
}

/** The attribute of an eight-digit tag, upper-case hex; undefined for private and unknown tags. */
export function attributeByTag(tag: string): Attribute | undefined {
  const found = byTag.get(tag);
  if (found) return found;
  const inGroup = /^(50|60)[0-9A-F]{2}/.test(tag) ? repeating.get(tag.slice(0, 2) + tag.slice(4)) : undefined;
  return inGroup && { ...inGroup, tag };
}

/** VR of a tag as PS3.6 and PS3.5 7.8 have it: `LO` for private creators, `UL` for group lengths, else `UN` when unknown. */
export function vrOf(tag: string): string {
  if (tag.endsWith('0000')) return 'UL';
  if (isPrivate(tag)) return /^.{4}00(1[0-9A-F]|[2-9A-F][0-9A-F])$/.test(tag) ? 'LO' : 'UN';
  return attributeByTag(tag)?.vr ?? 'UN';
}

/** Private elements have an odd group number (PS3.5 7.8). */
export function isPrivate(tag: string): boolean {
  return (Number.parseInt(tag[3]!, 16) & 1) === 1;
}
