/** Who holds a step, or has ended it: Tasks name their owner by reference only. */
import type { Device, Practitioner, Task } from '@medplum/fhirtypes';
import { localReference } from '../bundle.ts';
import type { FhirClient } from '../fhir.ts';
import { nameOf } from '../formatting.ts';

/** @returns undefined where nobody is named, or who it is cannot be read: a name is a courtesy, not a reason to fail. */
export async function ownerName(fhir: FhirClient, task: Task, signal?: AbortSignal): Promise<string | undefined> {
  const { owner } = task;
  if (owner?.display !== undefined) return owner.display;
  const [type, id] = localReference(owner)?.split('/') ?? [];
  if (id === undefined) return undefined;
  try {
    if (type === 'Practitioner') return nameOf((await fhir.read<Practitioner>('Practitioner', id, signal)).name);
    if (type === 'Device') return (await fhir.read<Device>('Device', id, signal)).deviceName?.[0]?.name;
  } catch {
    // Not this person's to read.
  }
  return undefined;
}
