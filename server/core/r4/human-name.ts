import type { HumanName } from '@medplum/fhirtypes';

const uses = ['official', 'usual', undefined, 'nickname', 'anonymous', 'temp', 'maiden', 'old'];

/** The name that counts: the official one, else the usual one, else the first that is no former one. */
export function mainName(names: readonly HumanName[] | undefined): HumanName | undefined {
  return names?.toSorted((one, other) => uses.indexOf(one.use) - uses.indexOf(other.use))[0];
}

/** A name as a person writes it: the official or usual one, its text or its parts. */
export function nameOf(names: readonly HumanName[] | undefined): string | undefined {
  const name = mainName(names);
  return name && writtenName(name);
}

export function writtenName(name: HumanName): string | undefined {
  const parts = [...(name.prefix ?? []), ...(name.given ?? []), name.family, ...(name.suffix ?? [])];
  const written = name.text ?? parts.filter((part) => part !== undefined && part !== '').join(' ');
  return written === '' ? undefined : written;
}
