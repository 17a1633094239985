import type { Bundle } from '@medplum/fhirtypes';

/** What a site shows of itself to people who look for it in an app. */
export interface Brand {
  publicUrl: string;
  fhirBaseUrl: string;
  /** Of the site. */
  name: string;
}

const profiles = 'http://hl7.org/fhir/smart-app-launch/StructureDefinition';

/** How the site is named in the bundle, and in the discovery document. */
export const brandIdentifier = (publicUrl: string) => ({ system: 'urn:ietf:rfc:3986', value: publicUrl });

/**
 * Who is behind this server, for apps that let people choose where their records are (SMART 2.2 "User-access Brands and
 * Endpoints"): the organisation, its portal and its FHIR endpoint.
 *
 * @param published when this content was first given out (Bundle.timestamp)
 */
export function brandBundle({ publicUrl, fhirBaseUrl, name }: Brand, published: string): Bundle {
  const organization = `${publicUrl}/brands/Organization/site`;
  const endpoint = `${publicUrl}/brands/Endpoint/fhir-r4`;
  return {
    resourceType: 'Bundle',
    meta: { profile: [`${profiles}/user-access-brands-bundle`] },
    type: 'collection',
    timestamp: published,
    entry: [
      {
        fullUrl: organization,
        resource: {
          resourceType: 'Organization',
          id: 'site',
          meta: { profile: [`${profiles}/user-access-brand`] },
          extension: [
            {
              url: 'http://hl7.org/fhir/StructureDefinition/organization-portal',
              extension: [
                { url: 'portalName', valueString: name },
                { url: 'portalUrl', valueUrl: publicUrl },
                { url: 'portalEndpoint', valueReference: { reference: endpoint } },
              ],
            },
          ],
          identifier: [brandIdentifier(publicUrl)],
          active: true,
          name,
          telecom: [{ system: 'url', value: publicUrl }],
          endpoint: [{ reference: endpoint }],
        },
      },
      {
        fullUrl: endpoint,
        resource: {
          resourceType: 'Endpoint',
          id: 'fhir-r4',
          meta: { profile: [`${profiles}/user-access-endpoint`] },
          extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version', valueCode: '4.0.1' }],
          status: 'active',
          connectionType: {
            system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type',
            code: 'hl7-fhir-rest',
          },
          name: `FHIR R4 of ${name}`,
          managingOrganization: { reference: organization },
          contact: [{ system: 'url', value: publicUrl }],
          payloadType: [
            { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'none' }] },
          ],
          address: fhirBaseUrl,
        },
      },
    ],
  };
}
