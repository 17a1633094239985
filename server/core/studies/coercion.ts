/**
 * Attribute coercion (PS3.4 B.4.1.3): what answers of a study show where its images name another person, or the same one in
 * other words. Nothing that was received is changed by it.
 */
import type { HumanName, Identifier, Patient } from '@medplum/fhirtypes';
import { printable } from '../dicom/attribute-values.ts';
import type { DicomElement, DicomJson, PersonName } from '../dicom/json.ts';
import { withoutEmptyEnd } from '../dicom/person-name.ts';
import type { Settings } from '../settings.ts';
import { systems } from '../vocabulary/systems.ts';
import { nameRepresentation } from './fhir-values.ts';
import { issuerOfSystem, patientIdSystem } from './patient-id-system.ts';
import type { Coercion, StoredCoercion } from './study-coercion.ts';

export type { Coercion, StoredCoercion } from './study-coercion.ts';

/**
 * What describes a person besides its identity: of somebody else it must not stand under the right name. Weight and size were
 * measured on who lay there, whatever name was chosen, and doses are computed from them: they stay.
 */
const ofAnotherPerson: DicomJson = blanks({
  '00081120': 'SQ', // Referenced Patient Sequence
  '00100022': 'CS', '00100026': 'SQ', '00100027': 'DA', '00100028': 'SQ',
  '00100032': 'TM', '00100033': 'LO', '00100034': 'LO', '00100035': 'CS',
  '00100050': 'SQ', '00100101': 'SQ', '00100102': 'SQ',
  '00101000': 'LO', '00101001': 'PN', '00101005': 'PN', '00101010': 'AS', '00101040': 'LO', '00101050': 'LO', '00101060': 'PN',
  '00101080': 'LO', '00101081': 'LO', '00101090': 'LO', '00101100': 'SQ', '00102000': 'LO', '00102110': 'LO', '00102150': 'LO',
  '00102152': 'LO', '00102154': 'SH', '00102155': 'LT', '00102160': 'SH', '00102161': 'SH', '00102180': 'SH', '001021A0': 'CS',
  '001021B0': 'LT', '001021C0': 'US', '001021D0': 'DA', '001021F0': 'LO', '00102203': 'CS', '00102297': 'PN', '00102298': 'CS',
  '00102299': 'LO', '00104000': 'LT',
  '00380010': 'LO', '00380011': 'LO', '00380014': 'SQ', '00380060': 'LO', '00380062': 'LO', '00380064': 'SQ',
  '00380300': 'LO', '00380400': 'LO', '00380500': 'LO',
}); // prettier-ignore

const identity = ['00100010', '00100020', '00100021', '00100024', '00100030', '00100040', '00101002'];

/** An attribute of the top level that answers of a study may show otherwise than its images. */
export function isCoercible(tag: string): boolean {
  return identity.includes(tag) || Object.hasOwn(ofAnotherPerson, tag);
}

/** Who a Patient is, as DICOM says it: what the record does not know has no value, for another's must not be shown. */
export function coercionOf(patient: Patient, settings: Pick<Settings, 'fhirBaseUrl' | 'patientIdSystem'>): DicomJson {
  const [main, ...others] = identifiersOf(patient, settings);
  const sex = new Map<string | undefined, string>([['male', 'M'], ['female', 'F'], ['other', 'O']]).get(patient.gender); // prettier-ignore
  const birth = /^\d{4}-\d{2}-\d{2}$/.test(patient.birthDate ?? '')
    ? patient.birthDate!.replaceAll('-', '')
    : undefined;
  return {
    '00100010': valued('PN', nameOf(patient.name ?? [])),
    '00100020': { vr: 'LO' },
    '00100021': { vr: 'LO' },
    '00100024': { vr: 'SQ' },
    ...(main && idAttributes(main, settings)),
    '00100030': valued('DA', birth),
    '00100040': valued('CS', sex),
    '00101002': {
      vr: 'SQ',
      ...(others.length > 0 && {
        Value: others
          .slice(0, mostOthers)
          .map((one) => sorted({ ...idAttributes(one, settings), '00100022': valued('CS', 'TEXT') })),
      }),
    },
  };
}

/** The coercion as the index keeps it. */
export function storedCoercion(coercion: Coercion): StoredCoercion {
  const { attributes, at, system, source, reason } = coercion;
  const complete = sorted({ ...(reason === 'CORRECT' && ofAnotherPerson), ...attributes });
  return {
    ...coercion,
    attributes: complete,
    original: {
      '04000562': valued('DT', dicomTime(at)),
      '04000563': valued('LO', shortText(system)),
      '04000564': valued('LO', source === undefined ? undefined : shortText(source)),
      '04000565': valued('CS', reason),
    },
  };
}

/** Other identifiers that are worth a look-up elsewhere; a record that was merged many times has many. */
const mostOthers = 32;
/** Characters of an LO, and of a component group of a PN (PS3.5 6.2). */
const longest = 64;

/** The identifiers that fit into (0010,0020), the one that images of this site name first. */
function identifiersOf(
  { identifier = [] }: Patient,
  settings: Pick<Settings, 'fhirBaseUrl' | 'patientIdSystem'>,
): Identifier[] {
  const fitting = identifier.filter(
    ({ value, type }) =>
      value !== undefined && /^[^\\\p{Cc}]{1,64}$/u.test(value) && value.trim() === value && isPatientId(type),
  );
  const rank = ({ system, use, type }: Identifier) =>
    (use === 'old' ? 8 : 0) +
    (use === 'temp' || use === 'secondary' ? 4 : 0) +
    (system === patientIdSystem(settings) ? 0 : codesOf(type).includes('MR') ? 1 : 2);
  return fitting.map((one) => ({ one, rank: rank(one) })).sort((a, b) => a.rank - b.rank).map(({ one }) => one); // prettier-ignore
}

/** National and insurance numbers stay out of images, which travel. */
function isPatientId(type: Identifier['type']): boolean {
  const codes = codesOf(type);
  return codes.length === 0 || codes.some((code) => ['MR', 'MRT', 'PI', 'PT', 'PN', 'EI', 'U', 'RI', 'ANON'].includes(code)); // prettier-ignore
}

const codesOf = (type: Identifier['type']): string[] =>
  (type?.coding ?? []).flatMap(({ system, code }) =>
    code !== undefined && (system === undefined || system === systems.identifierType) ? [code] : [],
  );

/** (0010,0020), (0010,0021) and (0010,0024), so that an image with them is matched to the same identifier again. */
function idAttributes(
  { value, system, assigner }: Identifier,
  settings: Pick<Settings, 'fhirBaseUrl' | 'patientIdSystem'>,
): DicomJson {
  const own = system === undefined || system === patientIdSystem(settings);
  const issuer = assigner?.display ?? (own ? undefined : issuerOfSystem(system, settings));
  const universal = own ? undefined : universalEntity(system);
  return {
    '00100020': valued('LO', value),
    ...(issuer !== undefined && { '00100021': valued('LO', shortText(issuer)) }),
    ...(universal && { '00100024': { vr: 'SQ', Value: [universal] } }),
  };
}

function universalEntity(system: string): DicomJson | undefined {
  const [, kind, id] = /^urn:(oid|uuid):(.+)$/.exec(system) ?? [];
  if (kind === undefined) return undefined;
  return { '00400032': valued('UT', id), '00400033': valued('CS', kind === 'oid' ? 'ISO' : 'UUID') };
}

/** The name that is in use, with its other writings where the record has them (PS3.5 6.2.1.1). */
function nameOf(names: HumanName[]): PersonName | undefined {
  const uses = ['official', 'usual', undefined, 'nickname', 'anonymous', 'temp', 'maiden', 'old'];
  const inUse = names.map((name) => ({ name, place: uses.indexOf(name.use) })).sort((a, b) => a.place - b.place);
  const written = (code: string) => inUse.map(({ name }) => name).find((name) => writingOf(name) === code);
  const [first] = inUse;
  const alphabetic = written('ABC') ?? names.find((name) => name === first?.name && writingOf(name) === undefined);
  const groups: PersonName = {
    ...group('Alphabetic', alphabetic),
    ...group('Ideographic', written('IDE')),
    ...group('Phonetic', written('SYL')),
  };
  return Object.keys(groups).length > 0 ? groups : undefined;
}

const writingOf = (name: HumanName) => name.extension?.find(({ url }) => url === nameRepresentation)?.valueCode;

function group(writing: keyof PersonName, name: HumanName | undefined): PersonName {
  if (!name) return {};
  const { family, given = [], prefix = [], suffix = [], text } = name;
  const [first, ...middle] = given;
  const known = family !== undefined || given.length > 0;
  const parts = [known ? family : text, first, middle.join(' '), prefix.join(' '), suffix.join(' ')].map(component);
  // What a name can be told without goes first: a group is 64 characters long at most.
  for (const spare of [4, 3, 2]) if (parts.join('^').length > longest) parts[spare] = '';
  const words = withoutEmptyEnd([...parts.join('^')].slice(0, longest).join(''));
  return words === '' ? {} : { [writing]: words };
}

/** `^`, `=` and `\` separate parts of names. */
const component = (part: string | undefined): string => printable((part ?? '').replace(/[\\^=]/g, ' ')).replace(/ +/g, ' '); // prettier-ignore

const shortText = (text: string): string => [...printable(text.replaceAll('\\', ' '))].slice(0, longest).join('').trim(); // prettier-ignore

/** `YYYYMMDDHHMMSS.FFFFFF+0000`; undefined for what is no time. */
function dicomTime(iso: string): string | undefined {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? undefined : `${at.toISOString().replace(/[-:TZ]/g, '')}000+0000`;
}

function valued(vr: string, value: string | PersonName | undefined): DicomElement {
  return value === undefined || value === '' ? { vr } : { vr, Value: [value] };
}

function blanks(vrs: Record<string, string>): DicomJson {
  return Object.fromEntries(Object.entries(vrs).map(([tag, vr]) => [tag, { vr }]));
}

function sorted(attributes: DicomJson): DicomJson {
  return Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}
