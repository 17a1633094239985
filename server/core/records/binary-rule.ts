import type { Binary, ResourceType } from '@medplum/fhirtypes';
import { narrow } from '../access/policy.ts';
import { Problem } from '../problem.ts';
import { referenceKey } from '../r4/reference-key.ts';
import type { WriteContext } from '../world.ts';
import type { Rule } from './rules.ts';

/**
 * A Binary is as visible as its security context, so whoever stores one must be allowed to see that context
 * (FHIR binary.html, securityContext); without a context nobody but staff could ever read it.
 */
export const binaryRule: Rule<WriteContext> = async ({ context, after }) => {
  const { principal, stores, world } = context;
  const reference = (after as Binary).securityContext?.reference;
  if (reference === undefined || principal.kind === 'system') return { resource: after };
  const { type, id } = referenceKey(reference, world.settings.fhirBaseUrl);
  const target =
    type === ''
      ? undefined
      : await stores.records.read(type as ResourceType, id, narrow(principal, type as ResourceType, 'read'));
  if (!target?.resource) {
    throw new Problem('forbidden', 'The security context names no record that you may read.', {
      expression: 'Binary.securityContext',
    });
  }
  return { resource: after };
};
