/** DICOM values as FHIR data types: names, codes, dates. Undefined where there is nothing worth saying. */
import { systems } from '../vocabulary/systems.ts';
import type { CodeableConcept, Coding, HumanName, Identifier, Reference } from '@medplum/fhirtypes';
import { items, persons, printable, text } from '../dicom/attribute-values.ts';
import type { DicomJson, PersonName } from '../dicom/json.ts';
import { own } from '../table.ts';
import { isUid } from '../dicom/uid.ts';

export const dcm = 'http://dicom.nema.org/resources/ontology/DCM';
const sct = systems.snomed;

/** Coding Scheme Designators (PS3.16 Table 8-1) as FHIR knows them. */
const schemes = new Map([
  ['DCM', dcm],
  ['SCT', sct],
  ['SRT', 'http://snomed.info/srt'],
  ['LN', systems.loinc],
  ['UCUM', systems.ucum],
  ['RADLEX', 'http://radlex.org'],
  ['I10', 'http://hl7.org/fhir/sid/icd-10'],
  ['I9C', 'http://hl7.org/fhir/sid/icd-9-cm'],
  ['C4', 'http://www.ama-assn.org/go/cpt'],
]);

/** An item of a code sequence (PS3.3 8.8). A private scheme without a UID leaves the text only: its codes mean nothing elsewhere. */
export function codeableConcept(item: DicomJson): CodeableConcept | undefined {
  const code = text(item, '00080100') ?? text(item, '00080119');
  const meaning = text(item, '00080104');
  const schemeUid = text(item, '0008010C');
  const system = schemes.get(text(item, '00080102') ?? '') ?? (schemeUid && isUid(schemeUid) && `urn:oid:${schemeUid}`);
  const coding: Coding | undefined =
    system && code ? { system, code, ...(meaning && { display: meaning }) } : undefined;
  if (!coding && !meaning) return undefined;
  return { ...(coding && { coding: [coding] }), ...(meaning && { text: meaning }) };
}

/** Seconds and a zone are required in FHIR once there is a time (FHIR datatypes.html#dateTime). */
export function dateTime(
  date: string | undefined,
  time: string | undefined,
  offset: string | undefined,
  timeZone: string,
): string | undefined {
  const day = fhirDate(date);
  if (!day) return undefined;
  const clock = fhirTime(time);
  // An offset that is none leaves the moment open, and the site's own would be a guess against what is written.
  if (!clock || (offset !== undefined && !fhirOffset(offset))) return day;
  const local = `${day}T${clock.slice(0, 8)}`;
  return `${day}T${clock}${(offset !== undefined && fhirOffset(offset)) || zoneOffset(local, timeZone)}`;
}

/** `HHMMSS.FFFFFF`, shorter, or the old `HH:MM:SS` as FHIR has it; undefined unless it is a time of day. */
export function fhirTime(time: string | undefined): string | undefined {
  const [, hours, minutes = '00', seconds = '00', fraction] =
    /^(\d\d):?(?:(\d\d):?(?:(\d\d)(?:\.(\d{1,6}))?)?)?$/.exec(time ?? '') ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) return undefined;
  // DICOM writes a leap second as 60; FHIR has none.
  return `${hours}:${minutes}:${seconds === '60' ? '59' : seconds}${fraction ? `.${fraction.padEnd(3, '0')}` : ''}`;
}

/** `+0530` as `+05:30`; undefined for one that no place on earth has (FHIR dateTime goes to 14 hours, PS3.3 C.12.1.1.8). */
export function fhirOffset(offset: string): string | undefined {
  const good = /^[+-](0\d|1[0-3])[0-5]\d$/.test(offset) || /^[+-]1400$/.test(offset);
  return good ? `${offset.slice(0, 3)}:${offset.slice(3)}` : undefined;
}

/** `YYYYMMDD` or the old `YYYY.MM.DD`; undefined unless it is a day of the calendar. */
export function fhirDate(date: string | undefined): string | undefined {
  const [, year, month, day] = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(date ?? '') ?? [];
  if (year === undefined || year < '0001') return undefined;
  const iso = `${year}-${month}-${day}`;
  const parsed = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(iso) ? iso : undefined;
}

/** Offset of a zone at a local time; at a change of the clocks, the one before it. */
function zoneOffset(local: string, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const offsetAt = (instant: number) =>
    /GMT([+-]\d\d:\d\d)?/.exec(
      format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '',
    )?.[1] ?? '+00:00';
  const asUtc = Date.parse(`${local}Z`);
  return offsetAt(asUtc - minutesOf(offsetAt(asUtc)) * 60_000);
}

function minutesOf(offset: string): number {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6));
  return offset.startsWith('-') ? -minutes : minutes;
}

/** Which writing of a name this one is: ABC, IDE or SYL. */
export const nameRepresentation = 'http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation';

/** One HumanName for each component group (PS3.5 6.2.1.1: family, given, middle, prefix, suffix). */
export function humanNames(name: PersonName | undefined): HumanName[] {
  const groups = [
    [name?.Alphabetic, 'ABC'],
    [name?.Ideographic, 'IDE'],
    [name?.Phonetic, 'SYL'],
  ] as const;
  const several = groups.filter(([group]) => group).length > 1;
  return groups.flatMap(([group, code]) => {
    const words = group === undefined ? undefined : humanName(group);
    return words ? [{ ...(several && { extension: [{ url: nameRepresentation, valueCode: code }] }), ...words }] : [];
  });
}

function humanName(group: string): HumanName | undefined {
  const [family, given, middle, prefix, suffix] = group.split('^').map(printable);
  const several = (...parts: (string | undefined)[]) =>
    parts.flatMap((part) => part?.split(/\s+/) ?? []).filter((part) => part !== '');
  const name: HumanName = {
    ...(family && { family }),
    ...listed('given', several(given, middle)),
    ...listed('prefix', several(prefix)),
    ...listed('suffix', several(suffix)),
  };
  return Object.keys(name).length > 0 ? { use: 'official', ...name } : undefined;
}

function listed<Key extends string>(key: Key, values: string[]): { [key in Key]?: string[] } {
  return values.length > 0 ? ({ [key]: values } as { [key in Key]: string[] }) : {};
}

/** `prefix given family suffix`, for people to read. */
export function displayName(name: PersonName): string | undefined {
  const [family, given, middle, prefix, suffix] = (name.Alphabetic ?? name.Ideographic ?? name.Phonetic ?? '')
    .split('^')
    .map(printable);
  return [prefix, given, middle, family, suffix].filter(Boolean).join(' ') || undefined;
}

/** Persons as references by name, with their code from the identification sequence where there is one (PS3.3 10.1). */
export function personReferences(attributes: DicomJson, nameTag: string, identificationTag?: string): Reference[] {
  const identifications = identificationTag ? items(attributes, identificationTag) : [];
  return persons(attributes, nameTag).flatMap((name, i) => {
    const display = displayName(name);
    const identifier = personIdentifier(identifications[i]);
    return display || identifier ? [{ ...(identifier && { identifier }), ...(display && { display }) }] : [];
  });
}

function personIdentifier(identification: DicomJson | undefined): Identifier | undefined {
  const [code] = items(identification, '00401101');
  const value = text(code, '00080100');
  const system = code && codeableConcept(code)?.coding?.[0]?.system;
  return value ? { ...(system && { system }), value } : undefined;
}

/** Body Part Examined of PS3.16 Annex L with its SNOMED CT concept; the common ones, others stay text. */
const bodyParts: Record<string, [code: string, display: string]> = {
  ABDOMEN: ['818981001', 'Abdomen'],
  ANKLE: ['70258002', 'Ankle joint'],
  BRAIN: ['12738006', 'Brain'],
  BREAST: ['76752008', 'Breast'],
  CHEST: ['51185008', 'Chest'],
  CSPINE: ['122494005', 'Cervical spine'],
  ELBOW: ['16953009', 'Elbow joint'],
  FOOT: ['56459004', 'Foot'],
  HAND: ['85562004', 'Hand'],
  HEAD: ['69536005', 'Head'],
  HEART: ['80891009', 'Heart'],
  KIDNEY: ['64033007', 'Kidney'],
  KNEE: ['72696002', 'Knee'],
  LIVER: ['10200004', 'Liver'],
  LSPINE: ['122496007', 'Lumbar spine'],
  LUNG: ['39607008', 'Lung'],
  NECK: ['45048000', 'Neck'],
  SHOULDER: ['16982005', 'Shoulder'],
  SKULL: ['89546000', 'Skull'],
  TSPINE: ['122495006', 'Thoracic spine'],
};

export function bodySite(part: string): Coding {
  const known = own(bodyParts, part.toUpperCase());
  return known ? { system: sct, code: known[0], display: known[1] } : { display: part };
}

/** (0020,0060), (0020,0062): L, R, B; U (unpaired) says that there is none. */
export function laterality(value: string | undefined): Coding | undefined {
  if (value === 'L') return { system: sct, code: '7771000', display: 'Left' };
  if (value === 'R') return { system: sct, code: '24028007', display: 'Right' };
  return value === 'B' ? { system: sct, code: '51440002', display: 'Right and left' } : undefined;
}
