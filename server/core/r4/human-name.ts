import type { HumanName } from '@medplum/fhirtypes';

/** The name that counts: the official one, else the usual one, else the first. */
export function mainName(names: readonly HumanName[] | undefined): HumanName | undefined {
  return names?.find(({ use }) => use === 'official') ?? names?.find(({ use }) => use === 'usual') ?? names?.[0];
}

/** A name as a person writes it: the official or usual one, its text or its parts. */
export function nameOf(names: readonly HumanName[] | undefined): string | undefined {
  const name = mainName(names);
  if (!name) return undefined;
  const parts = [...(name.prefix ?? []), ...(name.given ?? []), name.family, ...(name.suffix ?? [])];
  const written = name.text ?? parts.filter((part) => part !== undefined && part !== '').join(' ');
  return written === '' ? undefined : written;
}
