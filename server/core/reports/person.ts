import type { Address, ContactPoint, Patient } from '@medplum/fhirtypes';

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

/**
 * Completed years on a day (`YYYY-MM-DD`); undefined where one of the two is not known to the day, because then the
 * number would be a guess. A birthday is a day of the calendar, so the other has to be one of the place.
 */
export function ageOn(patient: Pick<Patient, 'birthDate'>, day: string): number | undefined {
  const [birth, then] = [patient.birthDate ?? '', day].map((text) => /^(\d{4})-(\d\d-\d\d)$/.exec(text));
  if (!birth || !then) return undefined;
  const age = Number(then[1]) - Number(birth[1]) - (then[2]! < birth[2]! ? 1 : 0);
  return age >= 0 && age < 150 ? age : undefined;
}
