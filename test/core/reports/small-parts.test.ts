import { expect, test } from 'vitest';
import { isPlainAddress } from '../../../server/core/deliveries/mail-address.ts';
import { dayOf } from '../../../server/core/time-zone.ts';
import { addressOf, ageOn, contactOf } from '../../../server/core/reports/person.ts';
import { recordNumberOf } from '../../../server/core/vocabulary/record-number.ts';
import { nameOf } from '../../../server/core/r4/human-name.ts';
import { riskLevel, severity } from '../../../server/core/reports/risk-level.ts';
import { displays } from '../../../server/core/vocabulary/displays.ts';
import { systems } from '../../../server/core/vocabulary/systems.ts';
import { percent } from '../../../server/core/reports/ai-part.ts';
import { scanFacts } from '../../../server/core/reports/scan-facts.ts';
import type { InstanceRow } from '../../../server/core/dicom/instance.ts';

test.each(['a@example.org', 'first.last+tag@sub.example.org', "o'brien@example.ie", `${'x'.repeat(64)}@example.org`])(
  '%s is an address',
  (text) => expect(isPlainAddress(text)).toBe(true),
);

test.each([
  '', 'a', '@example.org', 'a@', 'a@localhost', 'a@@example.org', 'a b@example.org', 'a@example.org, evil@example.org',
  'a@example.org\r\nBcc: evil@example.org', 'a@example.org\n', 'group:a@example.org;', '"a b"@example.org', 'A <a@example.org>',
  'a@[127.0.0.1]', 'a..b@example.org', '.a@example.org', 'a@-example.org', 'a(comment)@example.org', 'a@example.org\u0000',
  'ä@example.org', `${'x'.repeat(65)}@example.org`, `a@${'x'.repeat(250)}.org`,
])('%j is none', (text) => expect(isPlainAddress(text)).toBe(false)); // prettier-ignore

test('the risk level follows the code that the reader concluded, and nothing else', () => {
  const coded = (system: string, code: string) => ({ coding: [{ system, code }] });
  for (const [code, level] of Object.entries(severity)) {
    const system = code in displays.finding ? systems.scanFinding : systems.readingConclusion;
    expect(riskLevel(coded(system, code))).toBe(level);
  }
  expect(riskLevel(coded(systems.readingConclusion, 'no-abnormality'))).toBe('low');
  expect(riskLevel({ text: 'COVID' })).toBeUndefined();
  expect(riskLevel(coded('http://snomed.info/sct', 'COVID'))).toBeUndefined();
  expect(riskLevel(coded(systems.readingConclusion, 'constructor'))).toBeUndefined();
  expect(riskLevel(undefined)).toBeUndefined();
});

test('percentages are cut: 74.99 % never reads as 75', () => {
  expect([percent(74.99), percent(75), percent(0), percent(100)]).toEqual(['74.9 %', '75.0 %', '0.0 %', '100.0 %']);
});

test('what is known of a person, and nothing more', () => {
  expect(
    nameOf([
      { given: ['A'], family: 'B', use: 'old' },
      { text: 'Dr. B', use: 'official' },
    ]),
  ).toBe('Dr. B');
  expect(nameOf([])).toBeUndefined();
  expect(nameOf([{}])).toBeUndefined();
  expect(
    contactOf(
      [
        { system: 'email', value: 'old@x', use: 'old' },
        { system: 'email', value: 'b@x', rank: 2 },
        { system: 'email', value: 'a@x', rank: 1 },
      ],
      'email',
    ),
  ).toBe('a@x');
  expect(addressOf([{ line: ['1 Street'], city: 'Town' }])).toBe('1 Street, Town');
  expect(recordNumberOf([{ value: '1' }, { value: '2', type: { coding: [{ code: 'MR' }] } }])).toBe('2');
});

test('age counts birthdays, and is not guessed from a year', () => {
  const day = '2026-04-11';
  expect(ageOn({ birthDate: '1985-04-12' }, day)).toBe(40);
  expect(ageOn({ birthDate: '1985-04-11' }, day)).toBe(41);
  expect(ageOn({ birthDate: '1985' }, day)).toBeUndefined();
  expect(ageOn({ birthDate: '1985-04-11' }, '2026')).toBeUndefined();
  expect(ageOn({}, day)).toBeUndefined();
});

test.each([
  ['2026-03-11T01:45:00Z', 'America/New_York', '2026-03-10'],
  ['2026-03-10T21:45:00-04:00', 'America/New_York', '2026-03-10'],
  ['2026-03-10T21:45:00-04:00', 'Asia/Kolkata', '2026-03-11'],
  ['2026-03-10', 'Pacific/Kiritimati', '2026-03-10'],
  ['2026-03', 'America/New_York', '2026-03'],
])('the day of %s in %s is %s', (dateTime, timeZone, day) => {
  expect(dayOf(dateTime, timeZone)).toBe(day);
});

test('scan facts come from the image only; broken dates are left out', () => {
  const row = {
    StudyInstanceUID: '1.2',
    attributes: {
      '00080020': { vr: 'DA', Value: ['soon'] },
      '00080030': { vr: 'TM', Value: ['101500.12'] },
      '00081070': { vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] },
    },
  };
  const facts = new Map(scanFacts(row as unknown as InstanceRow, 'Europe/Berlin'));
  expect([facts.get('Date'), facts.get('Time'), facts.get('Technician'), facts.get('Modality')]).toEqual([
    undefined,
    '10:15 (Europe/Berlin)',
    'Doe Jane',
    undefined,
  ]);
});
