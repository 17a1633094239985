const day = 86_400_000;

/**
 * The ISO 8601 week of a moment at the site: `2026-W48`. The year is that of the week's Thursday.
 *
 * @param timeZone IANA name.
 */
export function isoWeek(at: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(at);
  const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)!.value);
  const date = Date.UTC(number('year'), number('month') - 1, number('day'));
  const weekday = (new Date(date).getUTCDay() + 6) % 7; // Monday is 0
  const thursday = date + (3 - weekday) * day;
  const year = new Date(thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * day));
  return `${year}-W${String(week).padStart(2, '0')}`;
}
