import type { Patient } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { DicomJson } from '../dicom/json.ts';
import { own, put } from '../table.ts';
import type { WriteContext } from '../world.ts';
import { coercionOf, storedCoercion, type Coercion } from './coercion.ts';
import type { InstanceOutcome } from './outcome.ts';
import type { StudyRow, StudyTie } from './study-store.ts';

/**
 * Lets answers show the patient of the study where images of it, which were just stored, name the same person in other
 * words, and says so in their outcomes (PS3.4 B.4.1.3: attribute coercion; what they said is in Original Attributes
 * Sequence). A study that is coerced already stays as it is.
 */
export async function coerceToOwner(
  context: WriteContext,
  rows: readonly InstanceRow[],
  { ties, locked }: { ties: ReadonlyMap<string, StudyTie>; locked: ReadonlyMap<string, StudyRow | undefined> },
  outcomes: Map<InstanceRow, InstanceOutcome>,
  reason: Coercion['reason'] = 'COERCE',
): Promise<void> {
  const { stores, world } = context;
  for (const [uid, ofStudy] of Map.groupBy(rows, ({ StudyInstanceUID }) => StudyInstanceUID)) {
    const here = ofStudy.filter((row) => ['stored', 'known'].includes(outcomes.get(row)?.status ?? ''));
    if (here.length === 0) continue;
    const record = await stores.records.read('Patient', ties.get(uid)!.patientId, everything);
    if (!record?.resource) continue;
    const attributes = coercionOf(record.resource as Patient, world.settings);
    const coercion: Coercion = { attributes, at: world.now().toISOString(), system: 'csss', reason };
    const isNew = here.some((row) => outcomes.get(row)?.status === 'stored');
    if (isNew && !locked.get(uid)?.coerced) await stores.studies.coerce(uid, coercion);
    for (const row of here) {
      const outcome = outcomes.get(row)!;
      if (outcome.status !== 'stored' && outcome.status !== 'known') continue;
      outcomes.set(row, { ...outcome, warning, about: 'coercion', original: originalOf(row, coercion) });
    }
  }
}

const warning =
  'Stored as of the patient of its study, whom it names in other words; answers show that patient, and what it said as Original Attributes';

/** Items of Original Attributes Sequence (0400,0561), as PS3.18 Table I.1-1 has them in the answer. */
function originalOf({ attributes: said }: InstanceRow, coercion: Coercion): DicomJson[] {
  const { attributes: shown, original } = storedCoercion(coercion);
  const values: DicomJson = {};
  for (const tag of Object.keys(shown)) {
    const element = own(said, tag);
    if (element && JSON.stringify(element) !== JSON.stringify(own(shown, tag))) put(values, tag, element);
  }
  return [{ '04000550': { vr: 'SQ', Value: [values] }, ...original }];
}
