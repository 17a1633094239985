/** Made by scripts/build-dose-text.ts from server/core/medications/dose-text.ts: not written by hand. */

/**
 * A coded dose in readable words, in the languages of the pages. The one function for it: the server fills in the text of
 * a dosage that came without, the web application shows what will be written. It has the same file under
 * `viewer/src/api/medication/` (scripts/build-dose-text.ts), so this one imports nothing.
 */

export const doseLanguages = ['en', 'ta', 'hi'] as const;
export type DoseLanguage = (typeof doseLanguages)[number];

interface SayableQuantity {
  value?: number;
  unit?: string;
  system?: string;
  code?: string;
}

/** The part of a FHIR R4 Dosage that can be said. */
export interface SayableDosage {
  doseAndRate?: { doseQuantity?: SayableQuantity }[];
  timing?: {
    repeat?: {
      frequency?: number;
      period?: number;
      periodUnit?: string;
      when?: readonly string[];
      boundsDuration?: SayableQuantity;
    };
  };
  asNeededBoolean?: boolean;
  route?: { text?: string; coding?: { system?: string; code?: string; display?: string }[] };
}

type Words = Record<DoseLanguage, string>;
/** English has a word for one and a word for more. */
interface Counted extends Words {
  many: string;
}

const counted = (en: string, many: string, ta: string, hi: string): Counted => ({ en, many, ta, hi });
const same = (text: string): Counted => counted(text, text, text, text);
const words = (en: string, ta: string, hi: string): Words => ({ en, ta, hi });

/** UCUM: what a pharmacist doses in. */
export const doseUnits: ReadonlyMap<string, Counted> = new Map([
  ['{tablet}', counted('tablet', 'tablets', 'மாத்திரை', 'टैबलेट')],
  ['{capsule}', counted('capsule', 'capsules', 'கேப்ஸ்யூல்', 'कैप्सूल')],
  ['{puff}', counted('puff', 'puffs', 'பஃப்', 'पफ़')],
  ['[drp]', counted('drop', 'drops', 'சொட்டு', 'बूँद')],
  ['{sachet}', counted('sachet', 'sachets', 'பாக்கெட்', 'पाउच')],
  ['{suppository}', counted('suppository', 'suppositories', 'சப்போசிட்டரி', 'सपोज़िटरी')],
  ['{patch}', counted('patch', 'patches', 'பேட்ச்', 'पैच')],
  ['{application}', counted('application', 'applications', 'பூச்சு', 'लेप')],
  ['mg', same('mg')],
  ['g', same('g')],
  ['ug', counted('microgram', 'micrograms', 'மைக்ரோகிராம்', 'माइक्रोग्राम')],
  ['mL', same('mL')],
  ['[iU]', counted('international unit', 'international units', 'சர்வதேச அலகு', 'अंतरराष्ट्रीय यूनिट')],
]);

/** SNOMED CT: ways into the body. `display` is its own word for it. */
export const doseRoutes: ReadonlyMap<string, Words & { display: string }> = new Map([
  ['26643006', { display: 'Oral route', ...words('by mouth', 'வாய் வழியாக', 'मुँह से') }],
  ['447694001', { display: 'Respiratory tract route', ...words('inhaled', 'உள்ளிழுத்து', 'साँस के साथ') }],
  ['46713006', { display: 'Nasal route', ...words('in the nose', 'மூக்கில்', 'नाक में') }],
  ['54485002', { display: 'Ophthalmic route', ...words('in the eye', 'கண்ணில்', 'आँख में') }],
  ['10547007', { display: 'Otic route', ...words('in the ear', 'காதில்', 'कान में') }],
  ['37839007', { display: 'Sublingual route', ...words('under the tongue', 'நாக்கின் கீழ்', 'जीभ के नीचे') }],
  ['6064005', { display: 'Topical route', ...words('on the skin', 'தோலின் மேல்', 'त्वचा पर') }],
  ['37161004', { display: 'Rectal route', ...words('in the rectum', 'மலக்குடலில்', 'मलाशय में') }],
  ['34206005', { display: 'Subcutaneous route', ...words('injected under the skin', 'தோலுக்கு அடியில் ஊசியாக', 'त्वचा के नीचे इंजेक्शन से') }],
  ['78421000', { display: 'Intramuscular route', ...words('injected into a muscle', 'தசையில் ஊசியாக', 'मांसपेशी में इंजेक्शन से') }],
  ['47625008', { display: 'Intravenous route', ...words('into a vein', 'சிரை வழியாக', 'नस में') }],
]); // prettier-ignore

/** FHIR event-timing: when in the day. */
export const doseTimes: ReadonlyMap<string, Words> = new Map([
  ['MORN', words('in the morning', 'காலையில்', 'सुबह')],
  ['NOON', words('at noon', 'நண்பகலில்', 'दोपहर में')],
  ['EVE', words('in the evening', 'மாலையில்', 'शाम को')],
  ['HS', words('at bedtime', 'தூங்கும் முன்', 'सोते समय')],
  ['AC', words('before meals', 'சாப்பாட்டுக்கு முன்', 'खाने से पहले')],
  ['C', words('with meals', 'சாப்பாட்டுடன்', 'खाने के साथ')],
  ['PC', words('after meals', 'சாப்பாட்டுக்குப் பின்', 'खाने के बाद')],
]);

/** UCUM of time, as FHIR's `periodUnit` has them. */
export const periodUnits = ['h', 'd', 'wk', 'mo'] as const;
export type PeriodUnit = (typeof periodUnits)[number];

const times: Record<PeriodUnit, Counted> = {
  h: counted('hour', 'hours', 'மணி நேரம்', 'घंटे'),
  d: counted('day', 'days', 'நாள்', 'दिन'),
  wk: counted('week', 'weeks', 'வாரம்', 'हफ़्ते'),
  mo: counted('month', 'months', 'மாதம்', 'महीने'),
};
/** In Tamil "every", "in a" and "for" are endings of the word. */
const tamil: Record<PeriodUnit, { each: string; every: string }> = {
  h: { each: 'மணிக்கு', every: 'மணி நேரத்துக்கு' },
  d: { each: 'ஒரு நாளைக்கு', every: 'நாட்களுக்கு' },
  wk: { each: 'வாரத்துக்கு', every: 'வாரங்களுக்கு' },
  mo: { each: 'மாதத்துக்கு', every: 'மாதங்களுக்கு' },
};

/** Elements of R4 that the words below carry. What has another one is not said, because half a dose is a wrong dose. */
const known = new Set(['id', 'sequence', 'text', 'patientInstruction', 'doseAndRate', 'timing', 'asNeededBoolean', 'route']); // prettier-ignore
const knownRate = new Set(['id', 'type', 'doseQuantity']);
const knownTiming = new Set(['id', 'repeat', 'code']);
const knownRepeat = new Set(['id', 'frequency', 'period', 'periodUnit', 'when', 'boundsDuration']);
/** Not `comparator`: "for less than 5 days" is not "for 5 days". */
const knownQuantity = new Set(['id', 'value', 'unit', 'system', 'code']);

const ucum = 'http://unitsofmeasure.org';
const snomed = 'http://snomed.info/sct';

/**
 * "2 tablets, by mouth, 3 times a day, after meals, for 7 days". The parts are set apart by commas, so that the digits of
 * one never touch those of the next.
 *
 * @returns undefined for a dosage that holds more, or less, than can be said in full.
 */
export function doseText(dosage: SayableDosage, language: DoseLanguage): string | undefined {
  const [rate, ...more] = dosage.doseAndRate ?? [];
  const repeat = dosage.timing?.repeat ?? {};
  const sayable =
    more.length === 0 &&
    hasOnly(dosage, known) &&
    hasOnly(rate ?? {}, knownRate) &&
    hasOnly(dosage.timing ?? {}, knownTiming) &&
    (dosage.timing === undefined || dosage.timing.repeat !== undefined) &&
    hasOnly(repeat, knownRepeat);
  if (!sayable) return undefined;
  const parts = [
    amountText(rate?.doseQuantity, language),
    dosage.route && routeText(dosage.route, language),
    frequencyText(repeat, dosage.asNeededBoolean === true, language),
    ...(repeat.when ?? []).map((code) => doseTimes.get(code)?.[language]),
    repeat.boundsDuration && durationText(repeat.boundsDuration, language),
  ];
  const wanted = [
    rate !== undefined,
    dosage.route !== undefined,
    repeat.frequency !== undefined || repeat.period !== undefined || dosage.asNeededBoolean === true,
    ...(repeat.when ?? []).map(() => true),
    repeat.boundsDuration !== undefined,
  ];
  if (parts.some((text, place) => wanted[place] && text === undefined)) return undefined;
  return parts.filter((text) => text !== undefined).join(', ') || undefined;
}

function hasOnly(part: object, names: ReadonlySet<string>): boolean {
  return Object.keys(part).every((name) => names.has(name));
}

/** A number as it is read aloud, without an exponent; never rounded, for that is another dose. */
export function amountOf(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 20, useGrouping: false });
}

/** Not of nothing and not of less, and with nothing beside it that words would leave out. */
function isAmount(quantity: SayableQuantity | undefined): quantity is SayableQuantity & { value: number } {
  return quantity?.value !== undefined && quantity.value > 0 && hasOnly(quantity, knownQuantity);
}

/** A code means what it says in its own system only. */
function codeIn(system: string, one: { system?: string; code?: string }): string | undefined {
  return one.system === undefined || one.system === system ? one.code : undefined;
}

function amountText(quantity: SayableQuantity | undefined, language: DoseLanguage): string | undefined {
  if (!isAmount(quantity)) return undefined;
  const unit = doseUnits.get(codeIn(ucum, quantity) ?? '');
  const word = unit ? (language === 'en' && quantity.value > 1 ? unit.many : unit[language]) : quantity.unit;
  return word === undefined ? undefined : `${amountOf(quantity.value)} ${word}`;
}

function routeText(route: NonNullable<SayableDosage['route']>, language: DoseLanguage): string | undefined {
  const codes = (route.coding ?? []).map((coding) => doseRoutes.get(codeIn(snomed, coding) ?? ''));
  return codes.find((one) => one)?.[language] ?? route.text ?? route.coding?.[0]?.display;
}

type Repeat = NonNullable<NonNullable<SayableDosage['timing']>['repeat']>;

function frequencyText(
  { frequency, period, periodUnit }: Repeat,
  asNeeded: boolean,
  language: DoseLanguage,
): string | undefined {
  const needed = words('when needed', 'தேவைப்படும்போது', 'ज़रूरत पड़ने पर')[language];
  const most = words('at most', 'அதிகபட்சம்', 'ज़्यादा से ज़्यादा')[language];
  if (frequency === undefined && period === undefined) return asNeeded ? needed : undefined;
  const unit = periodUnits.find((each) => each === periodUnit);
  if (unit === undefined || period === undefined) return undefined;
  const often = sayers[language](frequency ?? 1, period, unit);
  return asNeeded ? `${needed}, ${most} ${often}` : often;
}

const sayers: Record<DoseLanguage, (frequency: number, period: number, unit: PeriodUnit) => string> = {
  en(frequency, period, unit) {
    const count = frequency === 1 ? 'once' : frequency === 2 ? 'twice' : `${frequency} times`;
    if (period === 1) return `${count} ${unit === 'h' ? 'an' : 'a'} ${times[unit].en}`;
    const every = `every ${amountOf(period)} ${times[unit].many}`;
    return frequency === 1 ? `once ${every}` : `${count} ${every}`;
  },
  ta(frequency, period, unit) {
    const { each, every } = tamil[unit];
    return `${period === 1 ? each : `${amountOf(period)} ${every}`} ${frequency} முறை`;
  },
  hi(frequency, period, unit) {
    const span = period === 1 ? `${times[unit].hi} में` : `हर ${amountOf(period)} ${times[unit].hi} में`;
    return `${span} ${frequency} बार`;
  },
};

function durationText(duration: SayableQuantity, language: DoseLanguage): string | undefined {
  if (!isAmount(duration)) return undefined;
  const { value } = duration;
  const of = periodUnits.find((each) => each === (codeIn(ucum, duration) ?? duration.unit));
  if (of === undefined) return undefined;
  const amount = amountOf(value);
  if (language === 'en') return `for ${amount} ${value === 1 ? times[of].en : times[of].many}`;
  if (language === 'ta') return value === 1 ? `1 ${times[of].ta} மட்டும்` : `${amount} ${tamil[of].every} மட்டும்`;
  return `${amount} ${times[of].hi} तक`;
}
