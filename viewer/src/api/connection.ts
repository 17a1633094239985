/** The clients that pages use, made once in main.ts and handed down by Vue's injection. */
import { inject, type InjectionKey } from 'vue';
import { clientsClient, type ClientsClient } from './clients.ts';
import { accountClient, type AccountClient } from './account.ts';
import { assistantClient, type AssistantClient } from './assistant.ts';
import { auditClient, type AuditClient } from './audit.ts';
import { namesClient, type NamesClient } from './audit-names.ts';
import { deliveriesClient, type DeliveriesClient } from './deliveries.ts';
import { dicomWebClient, type DicomWebClient } from './dicomweb.ts';
import { draftsClient, type DraftsClient } from './drafts.ts';
import { emergencyClient, type EmergencyClient } from './emergency.ts';
import { fhirClient, type FhirClient } from './fhir.ts';
import { authorizedFetch, type TokenSource } from './http.ts';
import { pharmacyClient, type PharmacyClient } from './medication/pharmacy.ts';
import { modelsClient, type ModelsClient } from './models.ts';
import { patientClient, type PatientClient } from './patient.ts';
import { preferencesClient, type PreferencesClient } from './preferences.ts';
import { noticesClient, type NoticesClient } from './notices.ts';
import { releaseClient, type ReleaseClient } from './release.ts';
import { setUpClient, type SetUpClient } from './setup.ts';
import { systemClient, type SystemClient } from './system.ts';
import { uploadsClient, type UploadsClient } from './uploads.ts';
import { usersClient, type UsersClient } from './users.ts';
import { workClient, type WorkClient } from './work.ts';

export interface Connection {
  fhir: FhirClient;
  dicomweb: DicomWebClient;
  models: ModelsClient;
  users: UsersClient;
  uploads: UploadsClient;
  clients: ClientsClient;
  setUp: SetUpClient;
  account: AccountClient;
  patient: PatientClient;
  preferences: PreferencesClient;
  assistant: AssistantClient;
  audit: AuditClient;
  names: NamesClient;
  deliveries: DeliveriesClient;
  emergency: EmergencyClient;
  work: WorkClient;
  drafts: DraftsClient;
  notices: NoticesClient;
  pharmacy: PharmacyClient;
  release: ReleaseClient;
  system: SystemClient;
  tokens: TokenSource;
}

export const connectionKey: InjectionKey<Connection> = Symbol('connection');

export function connect(tokens: TokenSource, origin: string): Connection {
  const send = authorizedFetch(tokens);
  return {
    fhir: fhirClient(send, `${origin}/fhir`),
    dicomweb: dicomWebClient(send, `${origin}/dicomweb`),
    models: modelsClient(send, `${origin}/portal/models`),
    users: usersClient(send, `${origin}/portal`),
    uploads: uploadsClient(send, tokens, `${origin}/portal/uploads`),
    clients: clientsClient(send, origin),
    setUp: setUpClient(send, `${origin}/portal`),
    account: accountClient(send, `${origin}/portal/me`),
    patient: patientClient(send, `${origin}/portal/me`),
    preferences: preferencesClient(send, `${origin}/portal/me/preferences`),
    assistant: assistantClient(send, `${origin}/portal/assistant`),
    audit: auditClient(send, `${origin}/portal/audit`),
    names: namesClient(send, `${origin}/portal`),
    deliveries: deliveriesClient(send, `${origin}/portal/deliveries`),
    emergency: emergencyClient(send, `${origin}/portal`),
    work: workClient(send, `${origin}/portal/work`),
    drafts: draftsClient(send, `${origin}/portal/me/drafts`),
    notices: noticesClient(send, `${origin}/portal/me`),
    pharmacy: pharmacyClient(send, `${origin}/portal`),
    release: releaseClient(send, `${origin}/portal/reviews`),
    system: systemClient(send, `${origin}/portal`),
    tokens,
  };
}

export function useConnection(): Connection {
  const connection = inject(connectionKey);
  if (!connection) throw new Error('No connection was provided.');
  return connection;
}
