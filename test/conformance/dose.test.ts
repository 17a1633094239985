import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { doseTextOfViewer, doseTextTarget } from '../../scripts/build-dose-text.ts';
import { validationIssues } from '../../server/core/validation/validate.ts';
import {
  doseLanguages,
  doseRoutes,
  doseText,
  doseTimes,
  doseUnits,
  periodUnits,
} from '../../viewer/src/api/medication/dose-text.ts';
import {
  dosageOf,
  doseOf,
  emptyLine,
  faultsOf,
  lineText,
  medicationRequestOf,
  numberIn,
  type PrescriptionLine,
} from '../../viewer/src/api/medication/prescription-line.ts';
import type { Dose } from '../../viewer/src/api/medication/pharmacy.ts';

// A dose reads the same on the page and in the record, in words that never run together.
const ucum = 'http://unitsofmeasure.org';
const line = (more: Partial<PrescriptionLine>): PrescriptionLine => ({
  ...emptyLine(0),
  name: 'Warfarin 5',
  amount: '1',
  ...more,
});
const request = (typed: PrescriptionLine) =>
  medicationRequestOf(typed, {
    id: 'rx1',
    patient: 'Patient/p',
    language: 'en',
    listed: { name: 'Warfarin', codes: [{ system: 'http://www.whocc.no/atc', code: 'B01AA03' }] },
    notes: 'Drink water.',
    issues: ['warning1'],
  });

it('the web application says doses as the server does (node scripts/build-dose-text.ts)', () => {
  expect(readFileSync(doseTextTarget, 'utf8')).toBe(doseTextOfViewer());
});

describe('a dose in words', () => {
  it.each<[Partial<PrescriptionLine>, string, string, string]>([
    [{}, '1 tablet, once a day', '1 மாத்திரை, ஒரு நாளைக்கு 1 முறை', '1 टैबलेट, दिन में 1 बार'],
    [{ amount: '0,5', frequency: '2', route: '26643006', when: 'PC', durationValue: '10' },
      '0.5 tablet, by mouth, twice a day, after meals, for 10 days',
      '0.5 மாத்திரை, வாய் வழியாக, ஒரு நாளைக்கு 2 முறை, சாப்பாட்டுக்குப் பின், 10 நாட்களுக்கு மட்டும்',
      '0.5 टैबलेट, मुँह से, दिन में 2 बार, खाने के बाद, 10 दिन तक'],
    [{ amount: '2', unit: '{puff}', frequency: '4', asNeeded: true, route: '447694001' },
      '2 puffs, inhaled, when needed, at most 4 times a day',
      '2 பஃப், உள்ளிழுத்து, தேவைப்படும்போது, அதிகபட்சம் ஒரு நாளைக்கு 4 முறை',
      '2 पफ़, साँस के साथ, ज़रूरत पड़ने पर, ज़्यादा से ज़्यादा दिन में 4 बार'],
    [{ amount: '500', unit: 'mg', period: '8', periodUnit: 'h', durationValue: '1', durationUnit: 'wk' },
      '500 mg, once every 8 hours, for 1 week', '500 mg, 8 மணி நேரத்துக்கு 1 முறை, 1 வாரம் மட்டும்', '500 mg, हर 8 घंटे में 1 बार, 1 हफ़्ते तक'],
    [{ amount: '1000', unit: '[iU]', periodUnit: 'mo' },
      '1000 international units, once a month', '1000 சர்வதேச அலகு, மாதத்துக்கு 1 முறை', '1000 अंतरराष्ट्रीय यूनिट, महीने में 1 बार'],
  ])('%j', (more, ...texts) => {
    expect(doseLanguages.map((language) => lineText(line(more), language))).toEqual(texts);
  }); // prettier-ignore

  it('has words for every unit, route, time and period in every language, and no two digits of different parts meet', () => {
    for (const unit of doseUnits.keys())
      for (const route of ['', ...doseRoutes.keys()])
        for (const when of ['', ...doseTimes.keys()])
          for (const periodUnit of periodUnits)
            for (const language of doseLanguages) {
              const text = lineText(
                line({ amount: '5', unit, route, when, period: '3', periodUnit, durationValue: '7' }),
                language,
              );
              expect(text?.match(/\d+/g)).toEqual(language === 'en' ? ['5', '3', '7'] : ['5', '3', '1', '7']);
              expect(text).toMatch(/^5 [^\d,]+(, [^,]+){2,4}$/u);
            }
  });

  it.each([
    { timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd', dayOfWeek: ['mon'] } } },
    { doseAndRate: [{ doseQuantity: { value: 1, code: '{tablet}' }, rateQuantity: { value: 1 } }] },
    { doseAndRate: [{ doseRange: { low: { value: 1 } } }] },
    {
      doseAndRate: [{ doseQuantity: { value: 1, code: '{tablet}' } }, { doseQuantity: { value: 2, code: '{tablet}' } }],
    },
    { timing: { code: { text: 'BID' } }, doseAndRate: [{ doseQuantity: { value: 1, code: '{tablet}' } }] },
    { timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd', when: ['WAKE'] } } },
    { timing: { repeat: { frequency: 1, period: 1, periodUnit: 'a' } } },
    { maxDosePerPeriod: {}, timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd' } } },
    { doseAndRate: [{ doseQuantity: { value: 3, code: 'constructor' } }] },
    { doseAndRate: [{ doseQuantity: { value: -5, code: 'mg' } }] },
    { doseAndRate: [{ doseQuantity: { value: 0, code: '{tablet}' } }] },
    { doseAndRate: [{ doseQuantity: { value: 1, code: 'g', system: 'https://ehr.example/units' } }] },
    { doseAndRate: [{ doseQuantity: { value: 1, code: '{tablet}', comparator: '<' } }] },
    {
      timing: {
        repeat: { frequency: 1, period: 1, periodUnit: 'd', boundsDuration: { value: 5, code: 'd', comparator: '<' } },
      },
    },
    {},
  ])('is not said where a part of it would be left out: %j', (dosage) => {
    expect(doseText(dosage as never, 'en')).toBeUndefined();
  });

  it.each([
    [0.00003, '0.00003 g'],
    [0.00005, '0.00005 g'],
    [2e-7, '0.0000002 g'],
    [0.12345, '0.12345 g'],
    [2.5, '2.5 g'],
    [100000, '100000 g'],
  ])('is the number that is in the record, %s, not one near it', (value, text) => {
    expect(doseText({ doseAndRate: [{ doseQuantity: { value, code: 'g', system: ucum } }] }, 'en')).toBe(text);
  });
});

describe('what is typed', () => {
  it('becomes a coded proposal that FHIR R4 takes, with the name as it was typed and the code of the list', () => {
    const proposal = request(line({ frequency: '2', route: '26643006', when: 'EVE', durationValue: '7', instruction: 'Never double it.' }));
    const { detectedIssue: _issues, ...alone } = proposal;
    expect(validationIssues(alone)).toEqual([]);
    expect(proposal).toMatchObject({
      medicationCodeableConcept: { text: 'Warfarin 5', coding: [{ system: 'http://www.whocc.no/atc', code: 'B01AA03', display: 'Warfarin' }] },
      detectedIssue: [{ reference: '#warning1' }],
      dosageInstruction: [{
        text: '1 tablet, by mouth, twice a day, in the evening, for 7 days',
        patientInstruction: 'Never double it.\nDrink water.',
        timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd', when: ['EVE'], boundsDuration: { value: 7, system: 'http://unitsofmeasure.org', code: 'd' } } },
        route: { coding: [{ system: 'http://snomed.info/sct', code: '26643006' }] },
        doseAndRate: [{ doseQuantity: { value: 1, unit: 'tablet', system: 'http://unitsofmeasure.org', code: '{tablet}' } }],
      }],
    });
  }); // prettier-ignore

  it('in words stays in words, and has no code where the list has none', () => {
    const typed = line({ mode: 'words', words: ' 2 today, then 1 daily ' });
    const { dosageInstruction, medicationCodeableConcept } = medicationRequestOf(typed, { id: 'rx1', patient: 'Patient/p', language: 'ta', listed: null, issues: [] });
    expect([dosageInstruction, medicationCodeableConcept]).toEqual([[{ text: '2 today, then 1 daily' }], { text: 'Warfarin 5' }]);
  }); // prettier-ignore

  it.each<[Partial<PrescriptionLine>, string[]]>([
    [{ name: ' ' }, ['name']],
    [{ amount: '' }, ['amount']],
    [{ amount: '0' }, ['amount']],
    [{ amount: '1e3' }, ['amount']],
    [{ amount: '1 1' }, ['amount']],
    [{ amount: '-1' }, ['amount']],
    [{ frequency: '1.5' }, ['frequency']],
    [{ frequency: '25' }, ['frequency']],
    [{ period: '' }, ['period']],
    [{ durationValue: 'a week' }, ['duration']],
    [{ mode: 'words', amount: '' }, ['words']],
    [{ mode: 'words', amount: '', words: 'As said' }, []],
  ])('is looked at before it is sent: %j', (more, faults) => {
    expect(faultsOf(line(more))).toEqual(faults);
  });

  it('reads numbers with a point or a comma, and no dose out of fields that are wrong', () => {
    expect(['1', '0,25', '2.5', '1.', '.5', '1,000.5', ''].map(numberIn)).toEqual([1, 0.25, 2.5, undefined, undefined, undefined, undefined]);
    expect(doseOf(line({ amount: 'x' }))).toBeUndefined();
    expect(dosageOf(doseOf(line({})) as Dose, 'hi').text).toBe('1 टैबलेट, दिन में 1 बार');
  });
}); // prettier-ignore
