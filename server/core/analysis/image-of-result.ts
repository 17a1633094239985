import type { ImagingStudy, Observation } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { Reading } from '../world.ts';
import { systems } from '../vocabulary/systems.ts';
import { idIn } from '../r4/pointer.ts';
import { instanceUidExtension } from './findings.ts';

/** The image that an AI Observation is about; undefined if it is gone. */
export async function imageOfResult(
  stores: Pick<Reading, 'records' | 'studies'>,
  finding: Observation,
): Promise<InstanceRow | undefined> {
  const SOPInstanceUID = finding.extension?.find(({ url }) => url === instanceUidExtension)?.valueString;
  const StudyInstanceUID = await studyUid(stores, idIn(finding.partOf?.[0], 'ImagingStudy') ?? '');
  if (SOPInstanceUID === undefined || StudyInstanceUID === undefined) return undefined;
  const [address] = await stores.studies.addresses({ StudyInstanceUID, SOPInstanceUID }, everything);
  return address && stores.studies.instance(address, everything);
}

/** Study Instance UID of an ImagingStudy by its id; undefined if it is not there any more. */
export async function studyUid(
  { records }: Pick<Reading, 'records'>,
  imagingStudyId: string,
): Promise<string | undefined> {
  const record = await records.read('ImagingStudy', imagingStudyId, everything);
  const study = record?.resource as ImagingStudy | undefined;
  const uid = study?.identifier?.find(({ system }) => system === systems.studyUid)?.value;
  return uid?.replace(/^urn:oid:/, '');
}
