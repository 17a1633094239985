import type { Address, ContactPoint, HumanName, Identifier, Patient } from '@medplum/fhirtypes';

/** A name as a person writes it: the official or usual one, its text or its parts. */
export function nameOf(names: readonly HumanName[] | undefined): string | undefined {
  const name = names?.find(({ use }) => use === 'official') ?? names?.find(({ use }) => use === 'usual') ?? names?.[0];
  if (!name) return undefined;
  const parts = [...(name.prefix ?? []), ...(name.given ?? []), name.family, ...(name.suffix ?? [])];
  const written = name.text ?? parts.filter((part) => part !== undefined && part !== '').join(' ');
  return written === '' ? undefined : written;
}

/** The current phone number or e-mail address: best rank first. */
export function contactOf(points: readonly ContactPoint[] | undefined, system: 'phone' | 'email'): string | undefined {
  return points
    ?.filter((point) => point.system === system && point.use !== 'old' && point.value)
    .toSorted((one, other) => (one.rank ?? 99) - (other.rank ?? 99))[0]?.value;
}

export function addressOf(addresses: readonly Address[] | undefined): string | undefined {
  const address = addresses?.find(({ use }) => use === 'home') ?? addresses?.[0];
  if (!address) return undefined;
  const { text, line = [], postalCode, city, state, country } = address;
  const written =
    text ?? [...line, [postalCode, city].filter(Boolean).join(' '), state, country].filter(Boolean).join(', ');
  return written === '' ? undefined : written;
}

/** The medical record number if one is typed so (v2-0203 MR), else the first identifier. */
export function recordNumberOf(identifiers: readonly Identifier[] | undefined): string | undefined {
  const typed = identifiers?.find(({ type }) => type?.coding?.some(({ code }) => code === 'MR'));
  return (typed ?? identifiers?.[0])?.value;
}

/**
 * Completed years at a date; undefined where the birth date is unknown or given as a year only, because then
 * the number would be a guess.
 */
export function ageAt(patient: Patient, date: Date): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(patient.birthDate ?? '');
  if (!match) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const before = date.getUTCMonth() + 1 < month || (date.getUTCMonth() + 1 === month && date.getUTCDate() < day);
  const age = date.getUTCFullYear() - year - (before ? 1 : 0);
  return age >= 0 && age < 150 ? age : undefined;
}
