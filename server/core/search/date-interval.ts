import { instantAt, wallClock } from '../time-zone.ts';

/** What a FHIR date covers: milliseconds since 1970, `high` is the first instant after it. Open ends are infinite. */
export interface Interval {
  low: number;
  high: number;
}

const day = 86_400_000;

/**
 * The time that a date, dateTime or instant of any precision covers (FHIR search.html#date): `2020` is that whole year,
 * `2020-01-01T10:00` that minute. What has no zone is meant in the site's, in records and in queries alike.
 *
 * @returns undefined when the text is no date (`2020-02-30` is none).
 */
export function dateInterval(text: string, timeZone: string): Interval | undefined {
  const read = readDate(text);
  if (!read) return undefined;
  const { low, high, offset } = read;
  if (offset !== undefined) return { low: low - offset, high: high - offset };
  const from = instantAt(timeZone, low);
  if (high - low < day) return { low: from, high: from + high - low };
  const to = instantAt(timeZone, high);
  // A day that the zone left out (Samoa, 2011-12-30) stands for the one that came instead.
  return { low: from, high: to > from ? to : instantAt(timeZone, high + day) };
}

/**
 * The same for elements of the FHIR type `date`, which are days of the calendar and no time anywhere: a birthday is
 * the same day in every zone. The numbers are what clocks show, written as if it were UTC; only a query that names an
 * instant is brought to the site's clocks.
 */
export function calendarInterval(text: string, timeZone: string): Interval | undefined {
  const read = readDate(text);
  if (read?.offset === undefined) return read && { low: read.low, high: read.high };
  const { low, high, offset } = read;
  return { low: wallClock(timeZone, low - offset), high: wallClock(timeZone, high - offset) };
}

const pattern = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** As it is written, as if it were UTC, with the offset that is written beside it. */
function readDate(text: string): (Interval & { offset?: number }) | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, year, month, dayText, hour, minute, second, fraction, zone] = match;
  const [y, m, d] = [Number(year), Number(month ?? 1), Number(dayText ?? 1)];
  if (y < 1 || m < 1 || m > 12 || d < 1 || d > daysOf(y, m)) return undefined;
  if (hour === undefined) {
    if (dayText !== undefined) return { low: utc(y, m, d), high: utc(y, m, d + 1) };
    return month === undefined
      ? { low: utc(y, 1, 1), high: utc(y + 1, 1, 1) }
      : { low: utc(y, m, 1), high: utc(y, m + 1, 1) };
  }
  const [h, min, s] = [Number(hour), Number(minute), Number(second ?? 0)];
  if (h > 24 || (h === 24 && min + s > 0) || min > 59 || s > 60) return undefined;
  const offset = zone === undefined ? {} : offsetOf(zone);
  if (!offset) return undefined;
  const at = utc(y, m, d) + ((h * 60 + min) * 60 + s) * 1000;
  if (second === undefined) return { low: at, high: at + 60_000, ...offset };
  if (fraction === undefined) return { low: at, high: at + 1000, ...offset };
  // Finer than a millisecond is not kept.
  const low = at + Number(fraction.slice(0, 3).padEnd(3, '0'));
  return { low, high: low + 10 ** (3 - Math.min(fraction.length, 3)), ...offset };
}

/** Time zone designator in milliseconds. FHIR allows -12:00 to +14:00. */
function offsetOf(zone: string): { offset: number } | undefined {
  if (zone === 'Z') return { offset: 0 };
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 14 || minutes > 59) return undefined;
  return { offset: (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000 };
}

function daysOf(year: number, month: number): number {
  return new Date(utc(year, month + 1, 0)).getUTCDate();
}

/** Date.UTC takes the years 0 to 99 for 1900 to 1999. */
function utc(year: number, month: number, dayOfMonth: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, dayOfMonth);
  return date.getTime();
}
