/**
 * Signatures of the acts of a review. What is signed is a digest of what the person saw and said; the records that
 * hold it are compared with the digest before they are printed, so a changed text cannot stand above an old signature.
 */
import { createHash } from 'node:crypto';
import type { Provenance, Signature, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { derivedId } from '../derived-id.ts';
import { Problem } from '../problem.ts';
import { canonicalJson } from '../r4/canonical-json.ts';
import { systems } from '../vocabulary/systems.ts';
import type { Reading, Surroundings, WriteContext } from '../world.ts';
import { mustBeNamed } from './named-signer.ts';

/** Acts that are signed, with the purpose of the signature (ASTM E1762-95). */
const purposes = {
  verify: ['1.2.840.10065.1.12.1.1', "Author's Signature"],
  amend: ['1.2.840.10065.1.12.1.16', 'Modification Signature'],
  addendum: ['1.2.840.10065.1.12.1.15', 'Addendum Signature'],
  prescribe: ['1.2.840.10065.1.12.1.1', "Author's Signature"],
  approve: ['1.2.840.10065.1.12.1.5', 'Verification Signature'],
  release: ['1.2.840.10065.1.12.1.14', 'Source Signature'],
} as const;

export type SignedAct = keyof typeof purposes;

/** Of a Problem that says that records differ from what was signed. */
export const signatureExpression = 'Provenance.signature';

/** A signature as it was found standing above what it was made for. */
export interface Standing {
  /** Hexadecimal SHA-256 of the canonical content; undefined for an act from before contents were signed. */
  digest: string | undefined;
}

export function digestOf(content: unknown): string {
  return createHash('sha256').update(canonicalJson(content), 'utf8').digest('hex');
}

/** The Provenance of a signed act: a step is completed once, so there is one, and it is found without a search. */
export function provenanceIdOf(act: SignedAct, step: Task): string {
  return derivedId('signed', act, step.id ?? '');
}

/**
 * Signs the content of an act in the name of who does it; the key is the house's.
 *
 * @throws Problem `business-rule` for a person without a name.
 */
export async function signatureOf(
  { world, principal, stores }: Pick<WriteContext, 'world' | 'principal' | 'stores'>,
  act: SignedAct,
  step: Task,
  content: unknown,
): Promise<Signature> {
  await mustBeNamed({ principal, stores });
  const when = world.now().toISOString();
  const who: Signature['who'] = principal.fhirUser
    ? { reference: principal.fhirUser }
    : { type: 'Device', display: 'Clinical Scan Support System' };
  const statement = {
    act,
    task: `Task/${step.id}`,
    who: who.reference ?? who.display,
    when,
    digest: `sha-256:${digestOf(content)}`,
  };
  const jws = await world.signer.sign(canonicalJson(statement));
  const [code, display] = purposes[act];
  return {
    type: [{ system: systems.signatureType, code, display }],
    when,
    who,
    targetFormat: 'application/json',
    sigFormat: 'application/jose',
    data: Buffer.from(jws, 'ascii').toString('base64'),
  };
}

/**
 * Whether the signature of an act still stands above this content.
 *
 * @throws Problem `conflict` (signature-mismatch) if the content is another, or the signature is not one of this house
 *   for this act of this step, or was taken away.
 */
export async function mustStand(
  { signer }: Pick<Surroundings, 'signer'>,
  { records }: Pick<Reading, 'records'>,
  act: SignedAct,
  step: Task,
  content: unknown,
): Promise<Standing> {
  const record = await records.read('Provenance', provenanceIdOf(act, step), everything);
  if (!record) return { digest: undefined };
  const data = (record.resource as Provenance | undefined)?.signature?.[0]?.data;
  const opened = data === undefined ? undefined : await signer.opened(Buffer.from(data, 'base64').toString('ascii'));
  const digest = digestOf(content);
  const said = opened === undefined ? undefined : (JSON.parse(opened) as Record<string, unknown>);
  const matches =
    said?.['act'] === act &&
    said['task'] === `Task/${step.id}` &&
    said['who'] === step.owner?.reference &&
    said['digest'] === `sha-256:${digest}`;
  if (!matches) throw mismatch(act);
  return { digest };
}

export function mismatch(act: SignedAct): Problem {
  return new Problem(
    'conflict',
    `signature-mismatch: the records differ from what was signed (${act}). Send the review back: it needs a fresh verification.`,
    { expression: signatureExpression },
  );
}

export function isMismatch(error: unknown): boolean {
  return error instanceof Problem && error.expression === signatureExpression;
}
