/** Timezone Offset From UTC (0008,0201) of a search: the clock that its dates and times are meant by (PS3.4 C.2.2.2.5.2, PS3.18 8.3.4.1.1). */
import { Problem } from '../problem.ts';
import { wallClock } from '../time-zone.ts';
import type { StudyQuery } from './study-store.ts';

type Key = StudyQuery['match'][number];

const offsetTag = '00080201';
const studyDate = '00080020';
const studyTime = '00080030';
const minute = 60_000;

/**
 * Keys of a search as the site's clock shows them. It is no key itself: images hardly ever say it, and a search by it would
 * find next to nothing. A date without a time stays the day that it is, for no clock turns a day into another.
 *
 * An unescaped plus sign is a space of the query, and gone.
 *
 * @throws Problem `value` for what is no offset, or a date and time that are none.
 */
export function inSiteTime(match: Key[], timeZone: string): Key[] {
  const said = match.find(({ path }) => path === offsetTag)?.value ?? '';
  const rest = match.filter(({ path }) => path !== offsetTag);
  if (said === '') return rest;
  const [, sign, hours, minutes] =
    /^([+-])(0[0-9]|1[0-4])([0-5][0-9])$/.exec(/^[0-9]/.test(said) ? `+${said}` : said) ?? [];
  if (sign === undefined) throw new Problem('value', 'TimezoneOffsetFromUTC is +hhmm or -hhmm');
  const ahead = (Number(hours) * 60 + Number(minutes)) * minute * (sign === '-' ? -1 : 1);
  const shifted = (moment: number) => wallClock(timeZone, moment - ahead);
  const date = rest.find(({ path }) => path === studyDate);
  const time = rest.find(({ path }) => path === studyTime);
  const others = rest.map((key) => (key.vr === 'DT' ? { ...key, value: shiftedMoments(key.value, shifted) } : key));
  if (!date?.value || !time?.value || date.value.includes('*') || time.value.includes('*')) return others;
  const [days, times] = shiftedDayAndTime(date.value, time.value, shifted);
  return others.map((key) => (key.path === studyDate ? { ...key, value: days } : key.path === studyTime ? { ...key, value: times } : key)); // prettier-ignore
}

/** A day and a time, or ranges of both, which together are one range of moments. */
function shiftedDayAndTime(date: string, time: string, shifted: (moment: number) => number): [string, string] {
  const isRange = date.includes('-') || time.includes('-');
  const [firstDay = '', lastDay = firstDay] = date.split('-').map((part) => part.trim());
  const [firstTime = '', lastTime = firstTime] = time.split('-').map((part) => part.trim());
  const from = firstDay === '' ? undefined : shifted(momentOf(firstDay + digitsOf(firstTime).padEnd(9, '0')));
  const to = lastDay === '' ? undefined : shifted(momentOf(lastDay + endOf(digitsOf(lastTime))));
  const days = [from, to].map((moment) => (moment === undefined ? '' : textOf(moment).slice(0, 8)));
  const times = [from, to].map((moment) => (moment === undefined ? '' : clockOf(moment)));
  // A single moment stays one, where it was written to the second.
  if (!isRange && days[0] === days[1] && digitsOf(time).length >= 6) return [days[0]!, times[0]!.slice(0, 6)];
  return [days.join('-'), times.join('-')];
}

function shiftedMoments(value: string, shifted: (moment: number) => number): string {
  // What says its own offset means itself.
  if (value === '' || /[+*?]|-[0-9]{4}$/.test(value)) return value;
  const parts = value.split('-').map((part) => part.trim());
  const moved = parts.map((part, i) => {
    const digits = part.replace('.', '');
    if (digits.length < 10) return part; // a day
    const full = i === 0 ? digits.padEnd(17, '0') : digits.slice(0, 8) + endOf(digits.slice(8));
    return textOf(shifted(momentOf(full.slice(0, 17)))).slice(0, Math.max(10, Math.min(14, digits.length)));
  });
  return moved.join('-');
}

const digitsOf = (time: string): string => time.replace(/[:.]/g, '');
/** Less precise times mean the whole hour, minute or second. */
const endOf = (digits: string): string => digits.slice(0, 9) + '235959999'.slice(Math.min(9, digits.length));

/** YYYYMMDDHHMMSSmmm as if it were UTC. */
function momentOf(digits: string): number {
  const [, year, month, day, hour, minutes, second, milli] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(digits) ?? [];
  const moment = Date.parse(`${year}-${month}-${day}T${hour}:${minutes}:${second}.${milli}Z`);
  if (Number.isNaN(moment)) throw new Problem('value', 'A value is not a date or time, or a range of them');
  return moment;
}

const textOf = (moment: number): string => new Date(moment).toISOString().replace(/[-:.TZ]/g, '');
const clockOf = (moment: number): string => `${textOf(moment).slice(8, 14)}.${textOf(moment).slice(14)}`;
