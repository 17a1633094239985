/**
 * The FHIR records of registered models belong to the registry: they say what produced a clinical result, so they change
 * with the registry only, never by a FHIR client's write. Other Devices, documents and Provenances are not touched.
 */
import type { Device, DocumentReference, Identifier, Provenance, Resource } from '@medplum/fhirtypes';
import { Problem } from '../../problem.ts';
import { referenceKey } from '../../r4/reference-key.ts';
import type { Rule } from '../../records/rules.ts';
import type { WriteContext } from '../../world.ts';
import { deviceIdOf } from '../findings.ts';

/**
 * The rule for writes of Device, DocumentReference and Provenance.
 *
 * @throws Problem `forbidden` if a client's write would change, or make, a record of a registered model.
 */
export const keepModelRecord: Rule<WriteContext> = async ({ context, before, after }) => {
  for (const resource of [before, after]) if (resource) await mustNotBeOfModel(context, resource);
  return { resource: after };
};

/** @throws Problem `forbidden` if it is such a record and a client writes or deletes it. */
export async function mustNotBeOfModel(context: WriteContext, resource: Resource): Promise<void> {
  if (context.principal.kind === 'system' || !mayName(resource)) return;
  for (const { digest, description } of await context.stores.models.all()) {
    if (!namesModel(context, resource, digest)) continue;
    throw new Problem(
      'forbidden',
      `This ${resource.resourceType} is a record of the model ${description.name} ${description.version}, which the registry ` +
        'of models keeps. An administrator changes a model on the page Models (/models) or by /portal/models.',
    );
  }
}

/** Most documents name no model: the registry is not asked about them. */
function mayName(resource: Resource): boolean {
  return resource.resourceType !== 'DocumentReference' || digestsIn(resource).length > 0;
}

function namesModel({ world }: WriteContext, resource: Resource, digest: string): boolean {
  const device = deviceIdOf(digest);
  if (resource.resourceType === 'Device') return resource.id === device || digestsIn(resource).includes(digest);
  if (resource.resourceType === 'DocumentReference') return digestsIn(resource).includes(digest);
  const agents = (resource as Provenance).agent.flatMap(({ who, onBehalfOf }) => [who, onBehalfOf]);
  return agents.some((agent) => {
    if (agent?.reference === undefined) return false;
    const { type, id } = referenceKey(agent.reference, world.settings.fhirBaseUrl);
    return type === 'Device' && id === device;
  });
}

/** SHA-256 by which a Device says that it is a model, or a document that it is a model's card. */
function digestsIn(resource: Device | DocumentReference): string[] {
  const identifiers: (Identifier | undefined)[] =
    resource.resourceType === 'Device'
      ? (resource.identifier ?? [])
      : [...(resource.identifier ?? []), resource.masterIdentifier, resource.subject?.identifier];
  const versions = resource.resourceType === 'Device' ? (resource.version ?? []) : [];
  const values = [...identifiers, ...versions].map((one) => one?.value?.toLowerCase() ?? '');
  return values.flatMap((value) => /^(?:urn:hash:{1,2}sha-?256:)?([0-9a-f]{64})$/.exec(value)?.[1] ?? []);
}
