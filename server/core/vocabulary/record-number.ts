import type { Identifier } from '@medplum/fhirtypes';
import { systems } from './systems.ts';

/**
 * The number that a place knows a patient by. One in use comes before one that is old (a merge leaves those behind, and some
 * systems list them first), a medical record number (v2-0203 MR) before one without a type, and that before any other.
 */
export function recordNumberOf(identifiers: readonly Identifier[] | undefined): string | undefined {
  return inTurn(identifiers)[0]?.value;
}

/** All record numbers that were ever given, the present one first; numbers of a nation or an insurance are none. */
export function recordNumbersOf(identifiers: readonly Identifier[] | undefined): string[] {
  return inTurn(identifiers).flatMap((one) => (kindOf(one) < 2 ? one.value! : []));
}

function inTurn(identifiers: readonly Identifier[] = []): Identifier[] {
  const given = identifiers.filter(({ value }) => value !== undefined && value !== '');
  return given.toSorted((one, other) => placeOf(one) - placeOf(other));
}

function placeOf(identifier: Identifier): number {
  const { use } = identifier;
  return (use === 'old' ? 6 : use === 'temp' || use === 'secondary' ? 3 : 0) + kindOf(identifier);
}

function kindOf({ type }: Identifier): number {
  const codes = (type?.coding ?? []).filter(({ system }) => system === undefined || system === systems.identifierType);
  return codes.some(({ code }) => code === 'MR') ? 0 : type === undefined ? 1 : 2;
}
