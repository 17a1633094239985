/** Wall-clock time of a place, from the time zones that Node brings along. Times are milliseconds since 1970. */

const formats = new Map<string, Intl.DateTimeFormat>();
/** One site has one zone; more are kept only for tests and images with zones of their own. */
const mostFormats = 32;

/** Whether the name is a zone of a place (`Asia/Kolkata`, `Etc/UTC`). A fixed offset is none: a site has a clock that people set. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** What the zone's clocks are ahead of UTC at an instant, in milliseconds. */
export function zoneOffset(timeZone: string, instant: number): number {
  if (timeZone === 'UTC') return 0;
  const name = formatOf(timeZone)
    .formatToParts(instant)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const [, sign, hours, minutes, seconds] = /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name ?? '') ?? [];
  if (sign === undefined) return 0; // `GMT` alone
  const size = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds ?? 0)) * 1000;
  return sign === '-' ? -size : size;
}

/** What the zone's clocks show at an instant, written as if it were UTC. */
export function wallClock(timeZone: string, instant: number): number {
  return instant + zoneOffset(timeZone, instant);
}

const day = 86_400_000;

/**
 * The instant at which the zone's clocks show a time (given as if it were UTC): the first one where they are put back
 * over it, and where they are put forward over it the moment as it would have been without. So a day whose midnight is
 * skipped begins with the change, and a day may have 23 or 25 hours.
 */
export function instantAt(timeZone: string, wall: number): number {
  if (timeZone === 'UTC') return wall;
  // No zone changes twice within two days.
  const [before, after] = [zoneOffset(timeZone, wall - day), zoneOffset(timeZone, wall + day)];
  const shown = [wall - before, wall - after].filter((instant) => wallClock(timeZone, instant) === wall);
  return shown.length === 0 ? wall - before : Math.min(...shown);
}

/** The day (`YYYY-MM-DD`) of a FHIR dateTime at the place; a date without a time stays as precise as it is. */
export function dayOf(dateTime: string, timeZone: string): string {
  if (!dateTime.includes('T')) return dateTime;
  return new Date(wallClock(timeZone, Date.parse(dateTime))).toISOString().slice(0, 10);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset', hour: 'numeric' });
    if (formats.size >= mostFormats) formats.clear();
    formats.set(timeZone, format);
  }
  return format;
}
