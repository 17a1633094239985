/**
 * The FHIR records of registered models belong to the registry: they say what produced a clinical result, so they change
 * with the registry only, never by a FHIR client's write. Other Devices, documents and Provenances are not touched.
 */
import type {
  Device,
  DocumentReference,
  Identifier,
  Media,
  Observation,
  Provenance,
  Resource,
} from '@medplum/fhirtypes';
import { isDerivedId } from '../../derived-id.ts';
import { Problem } from '../../problem.ts';
import { referenceKey } from '../../r4/reference-key.ts';
import type { WriteContext } from '../../world.ts';
import { deviceIdOf } from '../findings.ts';

/** @throws Problem `forbidden` if it is such a record, or a client's write would make one of it. */
export async function mustNotBeOfModel(context: WriteContext, resource: Resource): Promise<void> {
  if (!mayName(resource)) return;
  for (const { digest, description } of await context.stores.models.all()) {
    if (!namesModel(context, resource, digest)) continue;
    throw new Problem(
      'forbidden',
      `This ${resource.resourceType} is a record of the model ${description.name} ${description.version}, which the registry ` +
        'of models keeps. An administrator changes a model on the page Models (/models) or by /portal/models.',
    );
  }
}

const kept = new Set<Resource['resourceType']>(['Device', 'DocumentReference', 'Provenance']);

/** Most documents name no model: the registry is not asked about them. */
function mayName(resource: Resource): boolean {
  if (!kept.has(resource.resourceType)) return false;
  return resource.resourceType !== 'DocumentReference' || digestsIn(resource).length > 0;
}

/**
 * Whether a result says that a model of this registry made it, one that is out of service or was removed included: by
 * the Device that it names, or by the digest of the weights.
 */
export async function isByOurModel({ stores, world }: WriteContext, result: Observation | Media): Promise<boolean> {
  const { device } = result;
  if (device?.reference !== undefined) {
    const { type, id } = referenceKey(device.reference, world.settings.fhirBaseUrl);
    if (type === 'Device' && isDerivedId(id)) return true;
  }
  const devices = (result.contained ?? []).filter((one) => one.resourceType === 'Device');
  const components = result.resourceType === 'Observation' ? (result.component ?? []) : [];
  const digests = [
    ...digestsAmong([device?.identifier?.value, ...components.map(({ valueString }) => valueString)]),
    ...devices.flatMap(digestsIn),
  ];
  return digests.length > 0 && (await stores.models.all()).some(({ digest }) => digests.includes(digest));
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
  return digestsAmong([...identifiers, ...versions].map((one) => one?.value));
}

function digestsAmong(values: (string | undefined)[]): string[] {
  const digest = /^(?:urn:hash:{1,2}sha-?256:)?([0-9a-f]{64})$/;
  return values.flatMap((value) => digest.exec(value?.toLowerCase() ?? '')?.[1] ?? []);
}
