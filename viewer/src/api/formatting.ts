/** FHIR values as people read them. What is unknown gives undefined; the page decides how to say so. */
import type { HumanName, Identifier, Patient } from '@medplum/fhirtypes';

/**
 * Text as it is printed in the report: without the characters that turn the direction of what stands around them, which
 * would show a reviewer another order of words than the one that is released.
 */
export function inOrder(text: string | undefined): string | undefined {
  return text?.replace(/[\u202a-\u202e\u2066-\u2069]/gu, '');
}

/** As the server chooses (server/core/r4/human-name.ts): a former name counts where there is no other. */
const nameUses = ['official', 'usual', undefined, 'nickname', 'anonymous', 'temp', 'maiden', 'old'];

export function mainName(names: readonly HumanName[] | undefined): HumanName | undefined {
  return names?.toSorted((one, other) => nameUses.indexOf(one.use) - nameUses.indexOf(other.use))[0];
}

export function nameOf(names: readonly HumanName[] | undefined): string | undefined {
  const name = mainName(names);
  if (!name) return undefined;
  const given = (name.given ?? []).join(' ');
  const parts = [given, name.family].filter((part) => part !== undefined && part !== '').join(' ');
  return inOrder(name.text ?? (parts === '' ? undefined : parts));
}

/** Two letters for an avatar; first and last word of the name. */
export function initialsOf(name: string): string {
  const words = name
    .trim()
    .split(/\s+/)
    .filter((word) => /\p{L}/u.test(word) && !/^\p{L}{1,3}\.$/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(
    (word) => word?.match(/\p{L}/u)?.[0] ?? '',
  );
  return letters.join('').toLocaleUpperCase();
}

/** The patient's record number, as the server chooses (server/core/vocabulary/record-number.ts): one in use before an old one, MR before others. */
export function recordNumberOf(patient: Pick<Patient, 'identifier'>): Identifier | undefined {
  const place = ({ use, type }: Identifier) =>
    (use === 'old' ? 6 : use === 'temp' || use === 'secondary' ? 3 : 0) +
    (type?.coding?.some(({ code }) => code === 'MR') ? 0 : type === undefined ? 1 : 2);
  return (patient.identifier ?? []).filter(({ value }) => value).toSorted((one, other) => place(one) - place(other))[0];
}

/** FHIR dates may be a year or a month only; they are printed as precise as they are. */
export function dateText(value: string | undefined, locale: string): string | undefined {
  if (value === undefined) return undefined;
  const match = value.match(/^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?/);
  if (!match) return undefined;
  const [, year, month, day] = match;
  const date = new Date(Number(year), Number(month ?? 1) - 1, Number(day ?? 1));
  return new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    ...(month !== undefined && { month: 'short' }),
    ...(day !== undefined && { day: 'numeric' }),
  }).format(date);
}

export function dateTimeText(value: string | undefined, locale: string): string | undefined {
  if (value === undefined) return undefined;
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return undefined;
  if (!value.includes('T')) return dateText(value, locale);
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(date);
}

/** "5 minutes ago", to the largest fitting unit. */
export function agoText(value: string | undefined, locale: string, now: Date): string | undefined {
  if (value === undefined) return undefined;
  const seconds = (new Date(value).getTime() - now.getTime()) / 1000;
  if (Number.isNaN(seconds)) return undefined;
  const units = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const fitting = units.find(([, length]) => Math.abs(seconds) >= length);
  if (!fitting) return format.format(0, 'second');
  return format.format(Math.trunc(seconds / fitting[1]), fitting[0]);
}

/** `YYYY-MM-DD` at the site; where the browser is, as long as the site has not said or the browser does not know its zone. */
export function dayAt(timeZone: string | undefined, instant: Date): string {
  const numeric = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-CA', options).formatToParts(instant);
  let parts = format(numeric);
  try {
    parts = format({ ...numeric, timeZone });
  } catch {
    // A name that only newer browsers know.
  }
  return ['year', 'month', 'day'].map((type) => parts.find((part) => part.type === type)!.value).join('-');
}

/** Full years on a day (`YYYY-MM-DD`); undefined when the birth date is not known to the day. */
export function ageOf(birthDate: string | undefined, today: string): number | undefined {
  const match = birthDate?.match(/^(\d{4})-(\d{2}-\d{2})$/);
  if (!match) return undefined;
  const hadBirthday = today.slice(5) >= match[2]!;
  const age = Number(today.slice(0, 4)) - Number(match[1]) - (hadBirthday ? 0 : 1);
  return age >= 0 ? age : undefined;
}

/** Bytes as people read them, in the largest unit that leaves a figure before the point. */
export function sizeText(bytes: number, locale: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)));
  const value = bytes / 1024 ** step;
  const form = {
    style: 'unit',
    unit: units[step]!,
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 ? 1 : 0,
  } as const;
  return new Intl.NumberFormat(locale, form).format(value);
}
