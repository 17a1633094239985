import { randomBytes } from 'node:crypto';
import type { Encounter, ImagingStudy, Reference } from '@medplum/fhirtypes';
import type { ParameterizedContext } from 'koa';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { World } from '../core/world.ts';
import type { Principal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import { read } from '../core/records/read.ts';
import { readJson } from '../http/request/body-text.ts';
import type { State } from '../http/state.ts';

export interface LaunchParts {
  world: World;
  authorizations: AuthorizationStore;
}

const fhirId = /^[A-Za-z0-9.-]{1,64}$/;
/** Seconds that an app has to come with the launch. */
const launchLife = 300;
const longestOrder = 4096;

export interface LaunchOrder {
  clientId: string;
  patient?: string;
  encounter?: string;
  imagingStudy?: string;
}

/**
 * Prepares an EHR launch (SMART 2.2 "Launch app: EHR launch"): the caller opens the returned address, and the app
 * comes back with the opaque `launch`, which is good once, for this person, this app and five minutes.
 *
 * @throws Problem `forbidden` if the caller is not our own application, `not-found` for an unknown app or a
 * patient that the person may not see, `value` for malformed ids.
 */
export async function prepareLaunch(
  parts: LaunchParts,
  principal: Principal,
  order: LaunchOrder,
): Promise<{ launch: string; url: string }> {
  if (principal.kind !== 'user' || principal.firstParty !== true) {
    throw new Problem('forbidden', 'Only the viewer can launch apps.');
  }
  const { clientId, ...wanted } = order;
  for (const id of Object.values(wanted)) {
    if (!fhirId.test(id)) throw new Problem('value', 'patient, encounter and imagingStudy are FHIR ids.');
  }
  const client = await parts.authorizations.client(clientId);
  const launchUri = client?.metadata.initiate_login_uri;
  if (!client || client.disabled || typeof launchUri !== 'string') {
    throw new Problem('not-found', 'There is no such app to launch.');
  }
  const context = await checkContext(parts, principal, wanted);
  const launch = randomBytes(24).toString('base64url');
  await parts.authorizations.saveLaunch({ id: launch, clientId, accountId: principal.subject, ...context }, launchLife);
  const url = new URL(launchUri);
  url.searchParams.set('iss', parts.world.settings.fhirBaseUrl);
  url.searchParams.set('launch', launch);
  return { launch, url: url.href };
}

/** The person's own reading decides: what may not be seen cannot be launched with. A study brings its patient along. */
async function checkContext(
  { world }: LaunchParts,
  principal: Principal,
  wanted: Omit<LaunchOrder, 'clientId'>,
): Promise<Omit<LaunchOrder, 'clientId'>> {
  if (wanted.patient !== undefined) await read(world, principal, 'Patient', wanted.patient);
  const patients = new Set(wanted.patient === undefined ? [] : [wanted.patient]);
  if (wanted.encounter !== undefined) {
    const { resource } = await read(world, principal, 'Encounter', wanted.encounter);
    patients.add(patientIn((resource as Encounter).subject));
  }
  if (wanted.imagingStudy !== undefined) {
    const { resource } = await read(world, principal, 'ImagingStudy', wanted.imagingStudy);
    patients.add(patientIn((resource as ImagingStudy).subject));
  }
  if (patients.size > 1) throw new Problem('invariant', 'Patient, encounter and study are not of one patient.');
  const [patient] = patients;
  return patient === undefined || patient === '' ? wanted : { ...wanted, patient };
}

function patientIn(subject: Reference | undefined): string {
  return /(?:^|\/)Patient\/([A-Za-z0-9.-]{1,64})$/.exec(subject?.reference ?? '')?.[1] ?? '';
}

/** Reads the order from a JSON body. @throws Problem `structure`, `media-type`, `too-long`. */
export async function readLaunchOrder(ctx: ParameterizedContext<State>): Promise<LaunchOrder> {
  const body = await readJson(ctx, longestOrder, 'Send application/json.');
  const { client, patient, encounter, imagingStudy } = (body ?? {}) as Record<string, unknown>;
  if (typeof client !== 'string') throw new Problem('required', 'client is missing.');
  return {
    clientId: client,
    ...(typeof patient === 'string' ? { patient } : {}),
    ...(typeof encounter === 'string' ? { encounter } : {}),
    ...(typeof imagingStudy === 'string' ? { imagingStudy } : {}),
  };
}
