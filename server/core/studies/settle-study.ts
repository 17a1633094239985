import type { ImagingStudy } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { text } from '../dicom/attribute-values.ts';
import { systemPrincipal } from '../principal.ts';
import type { WriteContext } from '../records/write.ts';
import { openReview } from '../workflow/open-review.ts';
import { ensureEndpoint } from './endpoint.ts';
import { imagingStudy } from './imaging-study.ts';
import { writeDerived } from './left-out.ts';

/**
 * Brings a study's row, its ImagingStudy and its review up to date with its instances: once for each study of a
 * request, in the transaction that inserted them, so that whoever reads FHIR after the answer sees them.
 *
 * The caller holds the study's lock and inserted at least one instance.
 *
 * @returns `leftOut`: elements of ImagingStudy that the images' values do not make.
 */
export async function settleStudy(
  context: WriteContext,
  StudyInstanceUID: string,
  tie: { patientId: string; imagingStudyId: string },
): Promise<{ leftOut: string[] }> {
  const { stores, world } = context;
  const own = { ...context, principal: systemPrincipal('study-derivation') };
  const study = await stores.studies.settle(StudyInstanceUID, tie);
  const content = await stores.studies.content(StudyInstanceUID);
  const before = (await stores.records.lock('ImagingStudy', tie.imagingStudyId))?.resource as ImagingStudy | undefined;
  const accession = text(content.attributes, '00080050');
  const resource = imagingStudy(before, study, content, {
    settings: world.settings,
    endpointId: await ensureEndpoint(own),
    serviceRequestId: before?.basedOn || !accession ? undefined : await orderOf(own, tie.patientId, accession),
  });
  const { record, leftOut } = await writeDerived(own, {
    method: before ? 'update' : 'create',
    resource,
    id: tie.imagingStudyId,
  });
  await openReview(own, {
    imagingStudy: record.resource as ImagingStudy,
    ...(accession !== undefined && { accession }),
  });
  return { leftOut };
}

/**
 * The ImagingStudy that somebody registered under this UID before the images came, and its Patient; the study will
 * be tied to both. `unclear` if there are several, if it is about no Patient of ours, or tied to another study already.
 *
 * No two studies are tied to one record: its Study Instance UID is the first that it names, which cannot change, and it
 * is locked while it is asked whose it is.
 */
export async function registeredStudy(
  { stores }: WriteContext,
  StudyInstanceUID: string,
): Promise<{ imagingStudyId: string; patientId: string } | 'unclear' | undefined> {
  await stores.records.lockKey(`imaging-study ${StudyInstanceUID}`);
  const uid = `urn:oid:${StudyInstanceUID}`;
  const { matches } = await stores.records.search(
    {
      type: 'ImagingStudy',
      conditions: [{ parameter: 'identifier', values: [`urn:dicom:uid|${uid}`] }],
      include: [],
      revinclude: [],
      sort: [],
      count: 10,
      total: 'none',
    },
    () => everything,
  );
  const found = matches.map(({ resource }) => resource as ImagingStudy & { id: string });
  const [registered, ...others] = found.filter(
    ({ identifier }) => identifier?.find(({ system }) => system === 'urn:dicom:uid')?.value === uid,
  );
  if (!registered) return undefined;
  const [, patientId] = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(registered.subject.reference ?? '') ?? [];
  if (others.length > 0 || patientId === undefined) return 'unclear';
  await stores.records.lock('ImagingStudy', registered.id);
  const tied = await stores.studies.tiedTo(registered.id);
  if (tied !== undefined && tied !== StudyInstanceUID) return 'unclear';
  return { imagingStudyId: registered.id, patientId };
}

/** The order with this accession number, if there is exactly one for the patient. */
async function orderOf({ stores }: WriteContext, patientId: string, accession: string): Promise<string | undefined> {
  const { matches } = await stores.records.search(
    {
      type: 'ServiceRequest',
      conditions: [
        { parameter: 'identifier', values: [accession.replace(/[\\,|$]/g, (character) => `\\${character}`)] },
        { parameter: 'subject', values: [`Patient/${patientId}`] },
      ],
      include: [],
      revinclude: [],
      sort: [],
      count: 2,
      total: 'none',
    },
    () => everything,
  );
  return matches.length === 1 ? matches[0]!.id : undefined;
}
