/** What a FHIR date covers: milliseconds since 1970, `high` is the first instant after it. Open ends are infinite. */
export interface Interval {
  low: number;
  high: number;
}

const pattern = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/**
 * The interval of a date, dateTime or instant of any precision (FHIR search.html#date): `2020` is that whole year,
 * `2020-01-01T10:00` that minute. What has no zone is read as UTC, in records and in queries alike.
 *
 * @returns undefined when the text is no date (`2020-02-30` is none).
 */
export function dateInterval(text: string): Interval | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const [y, m, d] = [Number(year), Number(month ?? 1), Number(day ?? 1)];
  if (y < 1 || m < 1 || m > 12 || d < 1 || d > daysOf(y, m)) return undefined;
  if (hour === undefined) {
    if (day !== undefined) return { low: utc(y, m, d), high: utc(y, m, d + 1) };
    return month === undefined
      ? { low: utc(y, 1, 1), high: utc(y + 1, 1, 1) }
      : { low: utc(y, m, 1), high: utc(y, m + 1, 1) };
  }
  const offset = offsetOf(zone);
  const [h, min, s] = [Number(hour), Number(minute), Number(second ?? 0)];
  if (offset === undefined || h > 24 || (h === 24 && min + s > 0) || min > 59 || s > 60) return undefined;
  const at = utc(y, m, d) + ((h * 60 + min) * 60 + s) * 1000 - offset;
  if (second === undefined) return { low: at, high: at + 60_000 };
  if (fraction === undefined) return { low: at, high: at + 1000 };
  // Finer than a millisecond is not kept.
  const digits = Math.min(fraction.length, 3);
  const low = at + Number(fraction.slice(0, 3).padEnd(3, '0'));
  return { low, high: low + 10 ** (3 - digits) };
}

/** Time zone designator in milliseconds; none counts as UTC. FHIR allows -12:00 to +14:00. */
function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 14 || minutes > 59) return undefined;
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function daysOf(year: number, month: number): number {
  return new Date(utc(year, month + 1, 0)).getUTCDate();
}

/** Date.UTC takes the years 0 to 99 for 1900 to 1999. */
function utc(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime();
}
