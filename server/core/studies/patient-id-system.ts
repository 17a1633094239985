/** Identifier systems of Patient IDs: what an issuer in an image stands for, and back. */
import type { Settings } from '../settings.ts';

/** Identifier system of Patient IDs that come without an issuer: the site's own. */
export function patientIdSystem(settings: Pick<Settings, 'fhirBaseUrl' | 'patientIdSystem'>): string {
  return settings.patientIdSystem ?? `${settings.fhirBaseUrl}/NamingSystem/patient-id`;
}

/** The identifier system that Issuer of Patient ID (0010,0021) stands for. */
export function issuerSystem(issuer: string, { fhirBaseUrl }: Pick<Settings, 'fhirBaseUrl'>): string {
  if (/^(https?:\/\/|urn:)\S+$/.test(issuer)) return issuer;
  return `${fhirBaseUrl}/NamingSystem/patient-id-of-${encodeURIComponent(issuer)}`;
}

/** The issuer that stands for an identifier system: what `patientIdentity` makes of an image turned round; undefined where none fits. */
export function issuerOfSystem(system: string, { fhirBaseUrl }: Pick<Settings, 'fhirBaseUrl'>): string | undefined {
  const ofIssuer = `${fhirBaseUrl}/NamingSystem/patient-id-of-`;
  if (system.startsWith(ofIssuer)) return decoded(system.slice(ofIssuer.length));
  return /^(https?:\/\/|urn:)\S{1,60}$/.test(system) && system.length <= 64 ? system : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
