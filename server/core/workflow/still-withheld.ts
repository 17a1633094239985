import type { Resource } from '@medplum/fhirtypes';
import { releasedStatus } from '../access/released-only.ts';
import { Problem } from '../problem.ts';
import { isWithheld, withheld } from '../vocabulary/security-labels.ts';

/**
 * What a client may make of a withheld record: it stays withheld, because only the release of its review takes the
 * label off (a PUT without labels keeps those that are there, FHIR resource.html#tags).
 *
 * @throws Problem `business-rule` when a client sets the report of a review final by hand.
 */
export function stillWithheld(before: Resource | undefined, after: Resource): Resource {
  if (!before || !isWithheld(before)) return after;
  if (after.resourceType === 'DiagnosticReport' && releasedStatus.includes(after.status)) {
    throw new Problem('business-rule', 'A report under review becomes final when its release is approved.', {
      expression: 'DiagnosticReport.status',
    });
  }
  if (isWithheld(after)) return after;
  const label = before.meta!.security!.filter((coding) => coding.code === withheld.code);
  return { ...after, meta: { ...after.meta, security: [...(after.meta?.security ?? []), ...label] } };
}
