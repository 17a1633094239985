import type { ImagingStudy, Observation } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { InstanceRow, World } from '../ports.ts';
import { systems } from '../workflow/codes.ts';
import { idIn } from '../workflow/review-tasks.ts';
import { instanceUidExtension } from './findings.ts';

/** The image that an AI Observation is about; undefined if it is gone. */
export async function imageOfResult(world: World, finding: Observation): Promise<InstanceRow | undefined> {
  const SOPInstanceUID = finding.extension?.find(({ url }) => url === instanceUidExtension)?.valueString;
  const StudyInstanceUID = await studyUid(world, idIn(finding.partOf?.[0], 'ImagingStudy') ?? '');
  if (SOPInstanceUID === undefined || StudyInstanceUID === undefined) return undefined;
  const instances = await world.studies.locate({ StudyInstanceUID }, everything);
  return instances.find((instance) => instance.SOPInstanceUID === SOPInstanceUID);
}

/** Study Instance UID of an ImagingStudy by its id; undefined if it is not there any more. */
export async function studyUid(world: World, imagingStudyId: string): Promise<string | undefined> {
  const record = await world.records.read('ImagingStudy', imagingStudyId, everything);
  const study = record?.resource as ImagingStudy | undefined;
  const uid = study?.identifier?.find(({ system }) => system === systems.studyUid)?.value;
  return uid?.replace(/^urn:oid:/, '');
}
