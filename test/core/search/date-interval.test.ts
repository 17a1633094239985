import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { instantAt, wallClock } from '../../../server/core/time-zone.ts';
import { calendarInterval, dateInterval } from '../../../server/core/search/date-interval.ts';

const cases: [text: string, low: string, high: string][] = [
  ['2020', '2020-01-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z'],
  ['2020-02', '2020-02-01T00:00:00.000Z', '2020-03-01T00:00:00.000Z'],
  ['2020-12', '2020-12-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z'],
  ['2020-02-29', '2020-02-29T00:00:00.000Z', '2020-03-01T00:00:00.000Z'],
  ['2020-01-01T10:00', '2020-01-01T10:00:00.000Z', '2020-01-01T10:01:00.000Z'],
  ['2020-01-01T10:00:05+05:30', '2020-01-01T04:30:05.000Z', '2020-01-01T04:30:06.000Z'],
  ['2020-01-01T10:00:05.5Z', '2020-01-01T10:00:05.500Z', '2020-01-01T10:00:05.600Z'],
  ['2020-01-01T10:00:05.123456-14:00', '2020-01-02T00:00:05.123Z', '2020-01-02T00:00:05.124Z'],
  ['0099-01-01', '0099-01-01T00:00:00.000Z', '0099-01-02T00:00:00.000Z'],
];

describe('a FHIR date', () => {
  it.each(cases)('%s covers the time from %s to %s', (text, low, high) => {
    expect(dateInterval(text, 'UTC')).toEqual({ low: Date.parse(low), high: Date.parse(high) });
  });

  it.each(['', '20', '2020-13', '2020-00', '2021-02-29', '2020-01-32', '2020-01-01T25:00Z', '2020-01-01T10:60Z', '2020-01-01T10:00+15:00', '2020-1-1', 'today', '2020-01-01T', '0000'])(
    '%j is none',
    (text) => {
      expect(dateInterval(text, 'UTC')).toBeUndefined();
    },
  ); // prettier-ignore
});

const days: [what: string, text: string, timeZone: string, low: string, high: string][] = [
  ['an evening shift ahead', '2026-03-10', 'America/New_York', '2026-03-10T04:00Z', '2026-03-11T04:00Z'],
  ['a day of 23 hours', '2026-03-08', 'America/New_York', '2026-03-08T05:00Z', '2026-03-09T04:00Z'],
  ['a day of 25 hours', '2026-11-01', 'America/New_York', '2026-11-01T04:00Z', '2026-11-02T05:00Z'],
  ['half an hour', '2026-03-10', 'Asia/Kolkata', '2026-03-09T18:30Z', '2026-03-10T18:30Z'],
  ['a day without a midnight', '2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00Z', '2018-11-05T02:00Z'],
  ['the day before it', '2018-11-03', 'America/Sao_Paulo', '2018-11-03T03:00Z', '2018-11-04T03:00Z'],
  ['a day with its last hour twice', '2018-02-17', 'America/Sao_Paulo', '2018-02-17T02:00Z', '2018-02-18T03:00Z'],
  ['a day with its first hour twice', '2026-11-01', 'America/Havana', '2026-11-01T04:00Z', '2026-11-02T05:00Z'],
  ['a day before one that was left out', '2011-12-29', 'Pacific/Apia', '2011-12-29T10:00Z', '2011-12-30T10:00Z'],
  ['a day that was left out', '2011-12-30', 'Pacific/Apia', '2011-12-30T10:00Z', '2011-12-31T10:00Z'],
  ['a day after one that was left out', '2011-12-31', 'Pacific/Apia', '2011-12-30T10:00Z', '2011-12-31T10:00Z'],
  ['a month with a change', '2026-03', 'Europe/Kyiv', '2026-02-28T22:00Z', '2026-03-31T21:00Z'],
  ['a year', '2026', 'Australia/Lord_Howe', '2025-12-31T13:00Z', '2026-12-31T13:00Z'],
  ['local mean time', '1850-06-01', 'America/New_York', '1850-06-01T04:56:02Z', '1850-06-02T04:56:02Z'],
  ['a minute without a zone', '2026-03-10T21:45', 'America/New_York', '2026-03-11T01:45Z', '2026-03-11T01:46Z'],
  ['a time that is shown twice', '2026-11-01T01:30:00', 'America/New_York', '2026-11-01T05:30Z', '2026-11-01T05:30:01Z'],
  ['a zone of its own', '2026-03-10T21:45:00-04:00', 'Asia/Kolkata', '2026-03-11T01:45Z', '2026-03-11T01:45:01Z'],
]; // prettier-ignore

describe('a FHIR date without a zone is meant in that of the site', () => {
  it.each(days)('%s: %s in %s', (_what, text, timeZone, low, high) => {
    expect(dateInterval(text, timeZone)).toEqual({ low: Date.parse(low), high: Date.parse(high) });
  });

  const zones = ['UTC', 'America/New_York', 'America/Sao_Paulo', 'Asia/Kolkata', 'Europe/Kyiv', 'Australia/Lord_Howe',
    'America/Havana', 'Africa/Casablanca', 'Asia/Gaza', 'Antarctica/Troll', 'Pacific/Kiritimati', 'Asia/Kathmandu']; // prettier-ignore

  it('so that the days of a zone follow each other without gap and overlap', () => {
    const anyDay = fc.integer({ min: Date.parse('1900-01-01'), max: Date.parse('2090-01-01') });
    fc.assert(
      fc.property(fc.constantFrom(...zones), anyDay, (timeZone, at) => {
        const [one, next] = [at, at + 86_400_000].map((time) => new Date(time).toISOString().slice(0, 10));
        const [first, second] = [one, next].map((day) => dateInterval(day!, timeZone)!);
        // Kiritimati went to the other side of the date line and left one day out.
        if (timeZone === 'Pacific/Kiritimati' && /^199[45]-(12|01)/.test(one!)) return;
        expect(first!.high).toBe(second!.low);
        expect(first!.high - first!.low).toBeGreaterThanOrEqual(22 * 3_600_000);
        // Every clock shows that day from its beginning to its end.
        for (const instant of [first!.low, (first!.low + first!.high) / 2, first!.high - 1])
          expect(new Date(wallClock(timeZone, instant)).toISOString().slice(0, 10)).toBe(one);
      }),
      { seed: 8, numRuns: 3000 },
    );
  });

  it('and what a clock shows is found again', () => {
    const anyInstant = fc.integer({ min: Date.parse('1900-01-01'), max: Date.parse('2090-01-01') });
    fc.assert(
      fc.property(fc.constantFrom(...zones), anyInstant, (timeZone, instant) => {
        const found = instantAt(timeZone, wallClock(timeZone, instant));
        expect(wallClock(timeZone, found)).toBe(wallClock(timeZone, instant));
        expect(found).toBeLessThanOrEqual(instant); // the first of two
      }),
      { seed: 8, numRuns: 3000 },
    );
  });
});

describe('a birthday', () => {
  it.each(['UTC', 'America/New_York', 'Pacific/Apia', 'Asia/Kolkata'])('is the same day in %s', (timeZone) => {
    for (const text of ['1980-03-10', '2011-12-30', '1980-03', '1980'])
      expect(calendarInterval(text, timeZone)).toEqual(dateInterval(text, 'UTC'));
  });

  it('is compared with an instant by the clock of the site', () => {
    expect(calendarInterval('2026-03-11T01:45:00Z', 'America/New_York')!.low).toBe(Date.parse('2026-03-10T21:45:00Z'));
  });
});
