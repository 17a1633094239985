/** Which instances a C-MOVE or C-GET identifier names (PS3.4 C.4.2.1.4). */
import { text } from '../core/dicom/attribute-values.ts';
import { find } from '../core/studies/find.ts';
import { locate } from '../core/studies/locate.ts';
import type { InstanceAddress, StudyPart } from '../core/studies/study-store.ts';
import { Problem } from '../core/problem.ts';
import type { Conversation } from './conversation.ts';
import { keyText, levelOf, uidsOf, type Identifier } from './identifier.ts';
import { questionOf } from './query.ts';

/** Each is a look-up and a row of the audit trail of its own. */
const mostParts = 10_000;

/**
 * Those that the caller may see; none for UIDs that are not there. Each part leaves its row in the audit trail before its first byte.
 *
 * @throws Problem `required` without the unique keys of the level and of those above, `forbidden`, `too-costly`.
 */
export async function namedInstances(
  conversation: Conversation,
  identifier: Identifier,
  root: 'patient' | 'study',
  event: string,
): Promise<InstanceAddress[]> {
  const { world, asking } = conversation;
  const instances: InstanceAddress[] = [];
  for (const part of await partsOf(conversation, identifier, root)) {
    const found = await locate(world, asking, part, { event }).catch(unlessAbsent);
    for (const instance of found) instances.push(instance);
  }
  return instances;
}

function unlessAbsent(error: unknown): InstanceAddress[] {
  if (error instanceof Problem && error.code === 'not-found') return [];
  throw error;
}

async function partsOf(
  conversation: Conversation,
  identifier: Identifier,
  root: 'patient' | 'study',
): Promise<StudyPart[]> {
  const level = levelOf(identifier, root);
  if (level === 'PATIENT') return studiesOf(conversation, identifier);
  const { attributes } = identifier;
  const [studies, series, instances] = [uidsOf(attributes, '0020000D'), uidsOf(attributes, '0020000E'), uidsOf(attributes, '00080018')]; // prettier-ignore
  const [study, ...others] = studies;
  if (study === undefined) throw new Problem('required', 'Study Instance UID (0020,000D) is needed');
  if (level === 'STUDY') return within(studies.map((StudyInstanceUID) => ({ StudyInstanceUID })));
  const [one, ...more] = series;
  if (one === undefined || others.length > 0)
    throw new Problem('required', 'One Study Instance UID and the Series Instance UID (0020,000E) are needed');
  const inStudy = { StudyInstanceUID: study };
  if (level === 'SERIES') return within(series.map((SeriesInstanceUID) => ({ ...inStudy, SeriesInstanceUID })));
  if (instances.length === 0 || more.length > 0)
    throw new Problem('required', 'One Series Instance UID and the SOP Instance UID (0008,0018) are needed');
  return within(instances.map((SOPInstanceUID) => ({ ...inStudy, SeriesInstanceUID: one, SOPInstanceUID })));
}

function within(parts: StudyPart[]): StudyPart[] {
  if (parts.length > mostParts) throw new Problem('too-costly', `More than ${mostParts} UIDs; ask for fewer at once`);
  return parts;
}

/** Studies of a patient, found by Patient ID (PS3.4 C.6.1.1.2). */
async function studiesOf({ world, asking }: Conversation, { attributes }: Identifier): Promise<StudyPart[]> {
  const patientId = keyText(attributes, '00100020');
  if (patientId === '' || /[*?\\]/.test(patientId))
    throw new Problem('required', 'One Patient ID (0010,0020) is needed, without wildcards');
  const key = { attributes: { '00100020': { vr: 'LO', Value: [patientId] } }, characterSet: [] };
  const { query, text: said } = questionOf(key, 'STUDY');
  const parts: StudyPart[] = [];
  for (let offset = 0; ;) {
    const { matches, total } = await find(world, asking, { ...query, offset }, said, 'dimse:find');
    for (const match of matches) parts.push({ StudyInstanceUID: text(match, '0020000D')! });
    offset += matches.length;
    if (matches.length === 0 || offset >= total) return within(parts);
  }
}
