import type { Identifier, Patient } from '@medplum/fhirtypes';
import type { DicomJson } from '../dicom/json.ts';
import type { Settings } from '../settings.ts';
import { patientIdSystem } from './match-patient.ts';

/**
 * What answers show instead of what the images of a study say of their patient; the stored bytes stay as they came, and
 * answers carry what they said in the Original Attributes Sequence (PS3.3 C.12.1.1.9.1).
 */
export interface Coercion {
  /** Attributes of the patient level. */
  attributes: DicomJson;
  /** ISO time. */
  at: string;
  /** Modifying System (0400,0563). */
  system: string;
  /** Source of Previous Values (0400,0564). */
  source?: string;
  /** `COERCE`: the record of the person is another; `CORRECT`: the images were under the wrong person. */
  reason: 'COERCE' | 'CORRECT';
}

/** A Patient as the attributes of the patient level. */
export function coercionOf(patient: Patient, settings: Pick<Settings, 'fhirBaseUrl' | 'patientIdSystem'>): DicomJson {
  const numbers = (patient.identifier ?? []).filter(({ value, use }) => value !== undefined && use !== 'old');
  const main =
    numbers.find(({ system }) => system === patientIdSystem(settings)) ??
    numbers.find(({ type }) => type?.coding?.some(({ code }) => code === 'MR')) ??
    numbers[0];
  const sex = new Map([['male', 'M'], ['female', 'F'], ['other', 'O']]).get(patient.gender ?? ''); // prettier-ignore
  const others = numbers.filter((one) => one !== main);
  return {
    '00100010': { vr: 'PN', ...valueOf(personName(patient), (Alphabetic) => ({ Alphabetic })) },
    ...(main ? numberOf(main, settings) : { '00100020': { vr: 'LO' } }),
    '00100030': { vr: 'DA', ...valueOf(birthDate(patient), (text) => text) },
    '00100040': { vr: 'CS', ...valueOf(sex, (text) => text) },
    ...(others.length > 0 && {
      '00101002': { vr: 'SQ', Value: others.map((one) => numberOf(one, settings)) },
    }),
  };
}

function valueOf<T>(text: string | undefined, as: (text: string) => T): { Value?: T[] } {
  return text === undefined ? {} : { Value: [as(text)] };
}

/** Patient ID with its issuer (PS3.3 C.2.1); none where the number is this site's own. */
function numberOf({ system, value, assigner }: Identifier, settings: Parameters<typeof coercionOf>[1]): DicomJson {
  const [, oid] = /^urn:oid:([0-2](?:\.\d+)+)$/.exec(system ?? '') ?? [];
  const issuer = assigner?.display ?? (system === patientIdSystem(settings) ? undefined : system);
  return {
    '00100020': { vr: 'LO', Value: [value!] },
    ...(issuer !== undefined && issuer.length <= 64 && { '00100021': { vr: 'LO', Value: [issuer] } }),
    ...(oid !== undefined && {
      '00100024': {
        vr: 'SQ',
        Value: [{ '00400032': { vr: 'UT', Value: [oid] }, '00400033': { vr: 'CS', Value: ['ISO'] } }],
      },
    }),
  };
}

function personName({ name }: Patient): string | undefined {
  const chosen = name?.find(({ use }) => use === 'official') ?? name?.find(({ use }) => use !== 'old') ?? name?.[0];
  const [given, ...middle] = chosen?.given ?? [];
  const parts = [chosen?.family, given, middle.join(' '), chosen?.prefix?.join(' '), chosen?.suffix?.join(' ')];
  const text = parts.map((part) => (part ?? '').replace(/[\^=\\]/g, ' ').trim()).join('^').replace(/\^+$/, ''); // prettier-ignore
  return text === '' ? chosen?.text : text;
}

/** DICOM has whole days only. */
function birthDate({ birthDate: date }: Patient): string | undefined {
  return /^\d{4}-\d\d-\d\d$/.test(date ?? '') ? date!.replaceAll('-', '') : undefined;
}
