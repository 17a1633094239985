/** Which of our profiles a record of a review is of, and which records do not fit theirs. */
import type { Resource, ResourceType } from '@medplum/fhirtypes';
import { everything } from '../../server/core/access/narrowing.ts';
import { isDerivedId } from '../../server/core/derived-id.ts';
import { issuesWith } from '../../server/core/validation/validate-profile.ts';
import { statusOf, stepOf } from '../../server/core/vocabulary/review-codes.ts';
import { canonical, codeOf, systems } from '../../server/core/vocabulary/systems.ts';
import type { World } from '../../server/core/world.ts';

const is = (name: string): string => `${canonical}/StructureDefinition/${name}`;

/** The profile of what the server writes in a review; undefined for all that others write. */
export function ownProfileOf(resource: Resource): string | undefined {
  switch (resource.resourceType) {
    case 'Task':
      if (stepOf(resource.code) === 'identity-check') return is('identity-check-task');
      if (stepOf(resource.code)) return is('step-task');
      return statusOf(resource.businessStatus) && is('coordination-task');
    case 'Observation': {
      const code = codeOf(resource.code, systems.scanFinding);
      return code && is(code === 'ai-classification' ? 'ai-finding' : code);
    }
    case 'Media':
      return resource.content.title === 'AI heat map' ? is('heat-map') : undefined;
    case 'Device':
      return resource.version?.some(({ type }) => codeOf(type, systems.modelVersion)) ? is('ai-model') : undefined;
    case 'DiagnosticReport':
      return resource.imagingStudy ? is('review-report') : undefined;
    case 'DocumentReference':
      return resource.masterIdentifier?.system === systems.reportNumber ? is('report-document') : undefined;
    case 'Communication':
      if (!resource.category?.some((one) => codeOf(one, systems.reviewData))) return undefined;
      return is(resource.partOf ? 'report-message' : 'withdrawal-message');
    case 'Provenance':
      return codeOf(resource.activity, systems.dataOperation) ? is('review-provenance') : undefined;
    case 'ImagingStudy':
      return resource.endpoint ? is('imaging-study') : undefined;
    case 'Endpoint':
      return resource.id === 'dicom-wado-rs' ? is('dicomweb-endpoint') : undefined;
    case 'ServiceRequest':
      return resource.identifier?.some(({ system }) => system === systems.accessionNumber)
        ? is('imaging-order')
        : undefined;
    case 'MedicationRequest':
      return resource.reasonReference ? is('medication-proposal') : undefined;
    case 'DetectedIssue':
      return isDerivedId(resource.id) ? is('medication-issue') : undefined;
    case 'Consent':
      return isDerivedId(resource.id) ? is('patient-decision') : undefined;
    case 'Binary':
      return /^(application\/pdf|image\/jpeg)$/.test(resource.contentType) ? is('review-content') : undefined;
    default:
      return undefined;
  }
}

const types: ResourceType[] = [
  'Task', 'Observation', 'Media', 'Device', 'DiagnosticReport', 'DocumentReference', 'Communication', 'Provenance',
  'ImagingStudy', 'Endpoint', 'ServiceRequest', 'MedicationRequest', 'DetectedIssue', 'Consent', 'Binary',
]; // prettier-ignore

export interface OwnRecords {
  /** Every version that was looked at, by the name of its profile. */
  looked: Map<string, Resource[]>;
  /** What is wrong with them. */
  unfit: string[];
}

/** Every version that was ever stored of every record of ours, against its profile. */
export async function ownRecords(world: World): Promise<OwnRecords> {
  const found: OwnRecords = { looked: new Map(), unfit: [] };
  for (const type of types) {
    for await (const resource of versionsOf(world, type)) {
      const profile = ownProfileOf(resource);
      if (profile === undefined) continue;
      const name = profile.slice(is('').length);
      found.looked.set(name, [...(found.looked.get(name) ?? []), resource]);
      const version = `${type}/${resource.id}/_history/${resource.meta?.versionId}`;
      for (const { expression, message } of issuesWith(resource, [profile]))
        found.unfit.push(`${version} (${name}) ${expression}: ${message}`);
    }
  }
  return found;
}

async function* versionsOf(world: World, type: ResourceType): AsyncGenerator<Resource> {
  for (let before: string | undefined, more = true; more;) {
    const page = await world.read(({ records }) =>
      records.history({ type }, { count: 200, ...(before !== undefined && { before }) }, () => everything),
    );
    for (const { resource } of page.entries) if (resource) yield resource;
    before = page.next;
    more = before !== undefined;
  }
}
