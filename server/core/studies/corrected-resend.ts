/** The same image once more, with other attributes of its patient or its order: what tells it from another image. */
import type { InstanceRow } from '../dicom/instance.ts';
import type { DicomJson } from '../dicom/json.ts';
import { own } from '../table.ts';
import type { WriteContext } from '../world.ts';
import type { Blobs } from './blobs.ts';
import { coercionOf } from './coercion.ts';
import type { StandingCopy } from './held-instance.ts';
import { createPatient, matchPatient, patientIdentity, type PatientIdentity } from './match-patient.ts';
import { settleStudy } from './settle-study.ts';
import { giveStudyTo, standingPatient } from './study-owner.ts';
import { systemPrincipal } from '../principal.ts';

/** Attributes of patient, visit and order, and what says that they were changed. All else of the image is the image. */
const ofPatientAndOrder = [
  '00080005', // Specific Character Set: values are compared as text
  '00080012', '00080013', '00080015', // when the object was written, and coerced
  '00080050', '00080051', // Accession Number, its issuer
  '00080090', '00080092', '00080094', '00080096', // referring physician
  '0008009C', '0008009D', // consulting physician
  '00081110', '00081120', // Referenced Study and Patient Sequence
  '0018A001', // Contributing Equipment Sequence
  '00200010', // Study ID
  '00321032', '00321033', '00321034', '00321060', '00321064', // requesting physician and service, requested procedure
  '00380010', '00380014', '00380060', '00380062', '00380064', '00380300', '00380400', '00380500', // visit
  '00400275', // Request Attributes Sequence
  '00401001', '00401002', '00401003', '00402001', '00402016', '00402017', // requested procedure, placer and filler
  '0040A370', // Referenced Request Sequence
  '04000550', '04000561', // Modified and Original Attributes Sequence
]; // prettier-ignore

/** Of an image: the whole of group 0010, private creators of other groups left alone. */
const ofPatient =
  `00100010 00100020 00100021 00100022 00100024 00100026 00100027 00100028 00100030 00100032 00100033 00100034 00100035
  00100040 00100050 00100101 00100102 00100200 00100201 00100202 00100212 00100213 00100214 00100215 00100216 00100217
  00100218 00100219 00100221 00100222 00100223 00100229 00101000 00101001 00101002 00101005 00101010 00101020 00101021
  00101022 00101023 00101024 00101030 00101040 00101050 00101060 00101080 00101081 00101090 00101100 00102000 00102110
  00102150 00102152 00102154 00102155 00102160 00102180 001021A0 001021B0 001021C0 001021D0 001021F0 00102201 00102202
  00102203 00102210 00102292 00102293 00102294 00102295 00102296 00102297 00102298 00102299 00104000`.split(/\s+/);

/** Tags that a corrected re-send may change. */
export const changeable: readonly string[] = [...ofPatient, ...ofPatientAndOrder];

const chunk = 4 << 20;

/**
 * Whether the values that are not in the index, pixels before all, are the same bytes. Those of two files of other
 * encodings may mean the same and differ; that counts as different, for nothing is decoded here.
 */
export async function sameBulk(
  blobs: Pick<Blobs, 'read'>,
  standing: StandingCopy['row'],
  arriving: InstanceRow,
): Promise<boolean> {
  const bulk =
    arriving.long?.bulk === undefined ? arriving.bulk : (JSON.parse(arriving.long.bulk) as InstanceRow['bulk']);
  if (Object.keys(bulk).length !== Object.keys(standing.bulk).length) return false;
  const places = Object.entries(bulk).map(([path, here]) => ({ there: own(standing.bulk, path), here }));
  if (!places.every(({ there, here }) => there?.length === here.length)) return false;
  const [one, other] = [standing.inflated ?? standing.blob, arriving.inflated ?? arriving.blob];
  for (const { there, here } of places) {
    for (let at = 0; at < here.length; at += chunk) {
      const length = Math.min(chunk, here.length - at);
      const [left, right] = await Promise.all([
        blobs.read(one, { offset: there!.offset + at, length }),
        blobs.read(other, { offset: here.offset + at, length }),
      ]);
      if (Buffer.compare(left, right) !== 0) return false;
    }
  }
  return true;
}

/** Attributes of the order that answers show after a correction. */
const ofOrder = ['00080050', '00080051', '00080090'] as const;

function orderOf(attributes: DicomJson): DicomJson {
  return Object.fromEntries(ofOrder.flatMap((tag) => (attributes[tag] ? [[tag, attributes[tag]]] : [])));
}

/**
 * Whether a re-send says what answers show already, for its study was corrected: by an earlier re-send, a move or a merge.
 * To accept it would change nothing.
 */
export async function isCarriedOut({ stores, world }: WriteContext, row: InstanceRow): Promise<boolean> {
  const study = await stores.studies.study(row.StudyInstanceUID);
  const identity = patientIdentity(row.attributes, world.settings);
  if (!study?.coerced || !identity) return false;
  const match = await matchPatient(stores, identity, row.attributes);
  if (!('found' in match) || match.found !== study.patientId) return false;
  const [json] = await stores.studies.attributesOf(row.StudyInstanceUID, [row.SOPInstanceUID]);
  const shown = JSON.parse(json ?? '{}') as DicomJson;
  const valuesOf = (attributes: DicomJson, tag: string) => JSON.stringify(own(attributes, tag)?.Value);
  return ofOrder.every((tag) => valuesOf(shown, tag) === valuesOf(row.attributes, tag));
}

/** Why re-sends cannot be carried out as they are. */
export type Refusal = 'no Patient ID' | 'several patients' | 'unclear patient';

/**
 * Carries re-sends of one study out as a correction: the study is given to the patient that they name, and answers show
 * that patient and the order that they name. The bytes that were stored first stay. The caller holds the study's lock and
 * that of the identity.
 *
 * @returns why not, without having changed anything.
 */
export async function carryCorrection(
  context: WriteContext,
  StudyInstanceUID: string,
  resends: readonly InstanceRow[],
): Promise<Refusal | undefined> {
  const { stores, world } = context;
  const identities = new Map<string, PatientIdentity>();
  for (const { attributes } of resends) {
    const identity = patientIdentity(attributes, world.settings);
    if (!identity) return 'no Patient ID';
    identities.set(`${identity.system}|${identity.value}`, identity);
  }
  const [identity, ...others] = identities.values();
  if (!identity || others.length > 0) return 'several patients';
  const { attributes } = resends.at(-1)!;
  const match = await matchPatient(stores, identity, attributes);
  if ('unclear' in match) return 'unclear patient';
  const own = { ...context, principal: systemPrincipal('patient-from-images') };
  const patientId = 'found' in match ? match.found : await createPatient(own, identity, attributes);
  const study = (await stores.studies.study(StudyInstanceUID))!;
  const at = world.now();
  const order = orderOf(attributes);
  if (patientId !== study.patientId) {
    const text = 'Its images were sent again as this patient’s.';
    await giveStudyTo(context, StudyInstanceUID, patientId, { reason: 'move', text, at, order });
    return undefined;
  }
  const shown = { ...coercionOf(await standingPatient(context, patientId), world.settings), ...order };
  await stores.studies.coerce(StudyInstanceUID, {
    attributes: shown,
    at: at.toISOString(),
    system: own.principal.clientId,
    reason: study.coerced ? 'CORRECT' : 'COERCE',
  });
  await settleStudy(context, StudyInstanceUID, study);
  return undefined;
}
