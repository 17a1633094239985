/** One medication of a prescription as it is typed, and the FHIR resource that it becomes. */
import type { Dosage, MedicationRequest } from '@medplum/fhirtypes';
import { doseRoutes, doseText, doseUnits, type DoseLanguage, type PeriodUnit } from './dose-text.ts';
import type { Dose, MedicationCode, Template } from './pharmacy.ts';

export interface PrescriptionLine {
  key: number;
  name: string;
  /** Of the template that the name comes from; gone when the name is typed over. */
  codes: MedicationCode[];
  mode: 'fields' | 'words';
  amount: string;
  unit: string;
  frequency: string;
  period: string;
  periodUnit: PeriodUnit;
  asNeeded: boolean;
  when: string;
  durationValue: string;
  durationUnit: PeriodUnit;
  route: string;
  words: string;
  /** For the patient, of this medication alone. */
  instruction: string;
}

export function emptyLine(key: number): PrescriptionLine {
  return {
    key,
    name: '',
    codes: [],
    mode: 'fields',
    amount: '',
    unit: '{tablet}',
    frequency: '1',
    period: '1',
    periodUnit: 'd',
    asNeeded: false,
    when: '',
    durationValue: '',
    durationUnit: 'd',
    route: '',
    words: '',
    instruction: '',
  };
}

export function lineOf(key: number, template: Template, language: DoseLanguage): PrescriptionLine {
  const { dose, words } = template;
  const line = { ...emptyLine(key), name: template.medication[language], codes: template.codes };
  if (!dose) return { ...line, mode: 'words', words: words?.[language] ?? '' };
  return { ...line, ...fieldsOf(dose) };
}

export function fieldsOf(dose: Dose): Omit<PrescriptionLine, 'key' | 'name' | 'codes' | 'mode' | 'words' | 'instruction'> {
  return {
    amount: String(dose.amount),
    unit: dose.unit,
    frequency: String(dose.frequency),
    period: String(dose.period),
    periodUnit: dose.periodUnit,
    asNeeded: dose.asNeeded ?? false,
    when: dose.when ?? '',
    durationValue: dose.durationValue === undefined ? '' : String(dose.durationValue),
    durationUnit: dose.durationUnit ?? 'd',
    route: dose.route ?? '',
  };
} // prettier-ignore

/** `0,5` is half in many countries; anything else that is no number is none. */
export function numberIn(text: string): number | undefined {
  const plain = text.trim().replace(',', '.');
  return /^\d+(\.\d+)?$/.test(plain) && Number(plain) > 0 ? Number(plain) : undefined;
}

function wholeIn(text: string, most: number): number | undefined {
  const value = numberIn(text);
  return value !== undefined && Number.isInteger(value) && value <= most ? value : undefined;
}

export type LineFault = 'name' | 'amount' | 'frequency' | 'period' | 'duration' | 'words';

export function faultsOf(line: PrescriptionLine): LineFault[] {
  const faults: LineFault[] = line.name.trim() === '' ? ['name'] : [];
  if (line.mode === 'words') return line.words.trim() === '' ? [...faults, 'words'] : faults;
  if ((numberIn(line.amount) ?? Infinity) > 100_000) faults.push('amount');
  if (wholeIn(line.frequency, 24) === undefined) faults.push('frequency');
  if ((numberIn(line.period) ?? Infinity) > 365) faults.push('period');
  if (line.durationValue.trim() !== '' && wholeIn(line.durationValue, 1000) === undefined) faults.push('duration');
  return faults;
}

/** The coded dose of fields without a fault. */
export function doseOf(line: PrescriptionLine): Dose | undefined {
  if (line.mode === 'words' || faultsOf({ ...line, name: '-' }).length > 0) return undefined;
  const duration = wholeIn(line.durationValue, 1000);
  return {
    amount: numberIn(line.amount)!,
    unit: line.unit,
    frequency: wholeIn(line.frequency, 24)!,
    period: numberIn(line.period)!,
    periodUnit: line.periodUnit,
    ...(line.asNeeded && { asNeeded: true }),
    ...(line.when !== '' && { when: line.when }),
    ...(duration !== undefined && { durationValue: duration, durationUnit: line.durationUnit }),
    ...(line.route !== '' && { route: line.route }),
  };
}

const ucum = 'http://unitsofmeasure.org';

/** FHIR R4 Dosage; its words in the language of the record. */
export function dosageOf(dose: Dose, language: DoseLanguage): Dosage {
  const route = doseRoutes.get(dose.route ?? '');
  const coded = {
    timing: {
      repeat: {
        ...(dose.durationValue !== undefined && {
          boundsDuration: { value: dose.durationValue, unit: dose.durationUnit!, system: ucum, code: dose.durationUnit! },
        }),
        frequency: dose.frequency,
        period: dose.period,
        periodUnit: dose.periodUnit,
        ...(dose.when !== undefined && { when: [dose.when] as never[] }),
      },
    },
    ...(dose.asNeeded && { asNeededBoolean: true }),
    ...(route && { route: { coding: [{ system: 'http://snomed.info/sct', code: dose.route!, display: route.display }] } }),
    doseAndRate: [
      { doseQuantity: { value: dose.amount, unit: doseUnits.get(dose.unit)?.[language] ?? dose.unit, system: ucum, code: dose.unit } },
    ],
  } satisfies Dosage;
  const text = doseText(coded, language);
  return { ...(text !== undefined && { text }), ...coded };
} // prettier-ignore

/** How a line reads: in the record, or for who reads the page. */
export function lineText(line: PrescriptionLine, language: DoseLanguage): string | undefined {
  if (line.mode === 'words') return line.words.trim() || undefined;
  const dose = doseOf(line);
  return dose && doseText(dosageOf(dose, language), language);
}

/**
 * The proposal that is sent with the step. Its text is the name as it was typed, the code what the site's table lists it as.
 *
 * @param notes for the patient, who does not read the step that they stand in.
 */
export function medicationRequestOf(
  line: PrescriptionLine,
  about: {
    id: string;
    patient: string;
    language: DoseLanguage;
    listed: { name: string; codes: MedicationCode[] } | null;
    notes?: string | undefined;
    issues: readonly string[];
  },
): MedicationRequest {
  const name = line.name.trim();
  const codes = line.codes.length > 0 ? line.codes : (about.listed?.codes ?? []);
  const display = about.listed?.name;
  const dose = doseOf(line);
  const dosage = dose ? dosageOf(dose, about.language) : { text: line.words.trim() };
  const instruction = [line.instruction.trim(), about.notes].filter((text) => text).join('\n');
  return {
    resourceType: 'MedicationRequest',
    id: about.id,
    status: 'draft',
    intent: 'proposal',
    subject: { reference: about.patient },
    medicationCodeableConcept: {
      ...(codes.length > 0 && { coding: codes.map((code) => ({ ...code, ...(display && { display }) })) }),
      text: name,
    },
    dosageInstruction: [{ ...dosage, ...(instruction !== '' && { patientInstruction: instruction }) }],
    ...(about.issues.length > 0 && { detectedIssue: about.issues.map((id) => ({ reference: `#${id}` })) }),
  };
}
