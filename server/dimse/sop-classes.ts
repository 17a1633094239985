/** SOP classes and transfer syntaxes that are agreed on (PS3.4, PS3.6 Annex A). */
import { transferSyntax } from '../core/dicom/transfer-syntax.ts';

export const implicitLittle = '1.2.840.10008.1.2';
export const explicitLittle = '1.2.840.10008.1.2.1';
export const explicitBig = '1.2.840.10008.1.2.2';

export const verification = '1.2.840.10008.1.1';

/** Query/Retrieve: by root of the information model (PS3.4 C.6.1, C.6.2). */
export const queryRetrieve = new Map<string, { root: 'patient' | 'study'; service: 'find' | 'move' | 'get' }>([
  ['1.2.840.10008.5.1.4.1.2.1.1', { root: 'patient', service: 'find' }],
  ['1.2.840.10008.5.1.4.1.2.1.2', { root: 'patient', service: 'move' }],
  ['1.2.840.10008.5.1.4.1.2.1.3', { root: 'patient', service: 'get' }],
  ['1.2.840.10008.5.1.4.1.2.2.1', { root: 'study', service: 'find' }],
  ['1.2.840.10008.5.1.4.1.2.2.2', { root: 'study', service: 'move' }],
  ['1.2.840.10008.5.1.4.1.2.2.3', { root: 'study', service: 'get' }],
]);

/** Storage classes of the standard: its root, and those of radiotherapy that stand elsewhere. */
const standardStorage = /^1\.2\.840\.10008\.5\.1\.4\.(1\.1|34\.7|34\.10|45\.1)(\.[0-9.]+)?$/;
const ofStandard = /^1\.2\.840\.10008\./;

/** Private storage classes that are taken: all, or those that are named. */
export type PrivateClasses = 'all' | ReadonlySet<string>;

export function isStorage(sopClass: string, privateClasses: PrivateClasses): boolean {
  if (ofStandard.test(sopClass)) return standardStorage.test(sopClass);
  return privateClasses === 'all' || privateClasses.has(sopClass);
}

/** Those that are taken only where nothing better is offered: they lose VRs, or have to be turned round. */
const lastChoice = new Set([implicitLittle, explicitBig]);

/**
 * The transfer syntax of a context that images come in by: the first that the sender names and that can be stored, because it is nearest
 * to what the sender has; Implicit VR and big endian only if there is no other.
 */
export function syntaxToReceive(proposed: readonly string[]): string | undefined {
  const known = proposed.filter((uid) => transferSyntax(uid) !== undefined);
  return known.find((uid) => !lastChoice.has(uid)) ?? known[0];
}

/** For commands' identifiers, and for images that go out on a context that offers several: what everything can be turned into. */
export function syntaxToSend(proposed: readonly string[]): string | undefined {
  return [explicitLittle, implicitLittle].find((uid) => proposed.includes(uid));
}
