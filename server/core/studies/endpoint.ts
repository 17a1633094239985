import type { Endpoint } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { Settings } from '../settings.ts';
import { write } from '../records/write.ts';
import type { WriteContext } from '../world.ts';

/** One Endpoint serves all studies: it names this server's DICOMweb base. */
export const ownEndpointId = 'dicom-wado-rs';
const id = ownEndpointId;

/** SMART Imaging Access: the same access token opens FHIR and DICOMweb. */
const requiresAccessToken = 'http://hl7.org/fhir/smart-app-launch/StructureDefinition/requires-access-token';

/** Writes the Endpoint when it is missing or the server's address changed. @returns its id. */
export async function ensureEndpoint(context: WriteContext): Promise<string> {
  const { records } = context.stores;
  const standing = (await records.read('Endpoint', id, everything))?.resource as Endpoint | undefined;
  if (standing?.address === context.world.settings.dicomwebBaseUrl) return id;
  await write(context, {
    method: standing ? 'update' : 'create',
    resource: endpoint(context.world.settings),
    id,
  }).catch(async (error: unknown) => {
    // Two first studies at once: the other one made it.
    if (!(await records.read('Endpoint', id, everything))?.resource) throw error;
  });
  return id;
}

function endpoint(settings: Settings): Endpoint {
  return {
    resourceType: 'Endpoint',
    id,
    extension: [{ url: requiresAccessToken, valueBoolean: true }],
    status: 'active',
    connectionType: {
      system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type',
      code: 'dicom-wado-rs',
      display: 'DICOM WADO-RS',
    },
    name: 'Images by DICOMweb',
    managingOrganization: { display: settings.organizationName },
    payloadType: [
      {
        coding: [
          { system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'any', display: 'Any' },
        ],
      },
    ],
    payloadMimeType: ['application/dicom', 'application/dicom+json'],
    address: settings.dicomwebBaseUrl,
  };
}
