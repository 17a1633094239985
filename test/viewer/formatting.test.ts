import { describe, expect, it } from 'vitest';
import {
  ageOf,
  agoText,
  dateText,
  dayAt,
  initialsOf,
  nameOf,
  recordNumberOf,
} from '../../viewer/src/api/formatting.ts';
import { confidenceLevel, percentText } from '../../viewer/src/api/review/confidence.ts';

describe('confidence', () => {
  it('is high from 75 percent, medium from 50, low below', () => {
    const levels = [1, 0.75, 0.7499, 0.5, 0.4999, 0].map(confidenceLevel);
    expect(levels).toEqual(['high', 'high', 'medium', 'medium', 'low', 'low']);
  });

  it('never reads as the threshold when it is below it', () => {
    expect(percentText(0.7499, 'en')).toBe('74.9%');
    expect(percentText(0.75, 'en')).toBe('75.0%');
    expect(percentText(0.29, 'en')).toBe('29.0%'); // 0.29 * 1000 is 289.99999999999994
  });
});

describe('names and numbers of people', () => {
  it('takes the official name, given before family', () => {
    const names = [
      { use: 'nickname' as const, text: 'Al' },
      { use: 'official' as const, family: 'Okafor', given: ['Ada', 'N.'] },
    ];
    expect(nameOf(names)).toBe('Ada N. Okafor');
  });

  it('knows nothing where nothing is written', () => {
    expect(nameOf(undefined)).toBeUndefined();
    expect(nameOf([{ given: [] }])).toBeUndefined();
    expect(recordNumberOf({})).toBeUndefined();
  });

  it('leaves titles out of the initials', () => {
    expect(initialsOf('Dr. Mira Rao')).toBe('MR');
    expect(initialsOf('அருண்')).toBe('அ');
    expect(initialsOf('')).toBe('');
  });

  it('prefers the record number over other identifiers', () => {
    const passport = { value: 'P1' };
    const record = { value: 'MRN-7', type: { coding: [{ code: 'MR' }] } };
    expect(recordNumberOf({ identifier: [passport, record] })?.value).toBe('MRN-7');
    const retired = { ...record, use: 'old' as const, value: 'MRN-1' };
    expect(recordNumberOf({ identifier: [retired, record] })?.value).toBe('MRN-7');
    expect(recordNumberOf({ identifier: [retired, passport] })?.value).toBe('P1');
    expect(recordNumberOf({ identifier: [retired] })?.value).toBe('MRN-1');
  });

  it('takes a former name for nobody who has another', () => {
    expect(nameOf([{ use: 'old', text: 'Before' }, { text: 'Now' }])).toBe('Now');
    expect(
      nameOf([
        { use: 'nickname', text: 'Raj' },
        { use: 'usual', text: 'Rajesh' },
      ]),
    ).toBe('Rajesh');
  });
});

describe('dates', () => {
  it('are printed as precise as they are known', () => {
    expect(dateText('1980', 'en')).toBe('1980');
    expect(dateText('1980-02', 'en')).toBe('Feb 1980');
    expect(dateText('1980-02-29', 'en')).toBe('Feb 29, 1980');
    expect(dateText('soon', 'en')).toBeUndefined();
  });

  it('give an age only when the birth date is known to the day', () => {
    const today = '2026-02-28';
    expect(ageOf('1980-02-28', today)).toBe(46);
    expect(ageOf('1980-02-29', today)).toBe(45);
    expect(ageOf('1980', today)).toBeUndefined();
    expect(ageOf('2030-01-01', today)).toBeUndefined();
  });

  it('know what day it is at the site, and fall back on the browser for a zone that it does not know', () => {
    const late = new Date('2026-03-11T01:45:00Z');
    expect(dayAt('America/New_York', late)).toBe('2026-03-10');
    expect(dayAt('Asia/Kolkata', late)).toBe('2026-03-11');
    for (const unknown of [undefined, 'Mars/Olympus']) expect(dayAt(unknown, late)).toMatch(/^2026-03-1[01]$/);
  });

  it('tell how long ago something was', () => {
    const now = new Date('2026-05-01T12:00:00Z');
    expect(agoText('2026-05-01T11:55:10Z', 'en', now)).toBe('4 minutes ago');
    expect(agoText('2026-05-01T11:59:50Z', 'en', now)).toBe('now');
    expect(agoText('never', 'en', now)).toBeUndefined();
  });
});
