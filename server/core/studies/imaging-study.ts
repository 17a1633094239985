import type { Identifier, ImagingStudy, ImagingStudySeries, Practitioner, Reference } from '@medplum/fhirtypes';
import { systems } from '../vocabulary/systems.ts';
import { integer, items, text, texts } from '../dicom/attribute-values.ts';
import type { Settings } from '../settings.ts';
import type { StudyContent, StudyRow } from './study-store.ts';
import { bodySite, codeableConcept, dateTime, dcm, laterality, personReferences } from './fhir-values.ts';

/**
 * A study of more instances than this lists none of them: each version of the resource would be copied with
 * every batch that arrives, and DICOMweb has them. Series and counts are always complete.
 */
export const mostInstancesListed = 1000;

/** What a study is that has lost all of its images: entered in error, unless that is said. */
export interface EmptyAs {
  emptyAs?: 'entered-in-error' | 'cancelled';
}

export interface Connections extends EmptyAs {
  settings: Pick<Settings, 'timeZone' | 'fhirBaseUrl'>;
  endpointId: string;
  /** The order with this accession number, when there is exactly one. */
  serviceRequestId: string | undefined;
}

/**
 * The ImagingStudy that follows from stored images (FHIR R4 ImagingStudy, DICOM mapping).
 *
 * What images decide (series, instances, counts, modalities, the study's UID) is always derived anew. What people
 * may have written better than the modality (description, referrer, reasons, order, notes, status ...) is only filled in
 * where it is empty, and what DICOM does not know (encounter, extensions) is left alone.
 */
export function imagingStudy(
  before: ImagingStudy | undefined,
  study: StudyRow,
  content: StudyContent,
  around: Connections,
): ImagingStudy {
  const { attributes, series } = content;
  const listed = study.numberOfInstances <= mostInstancesListed;
  const started = dateTime(
    text(attributes, '00080020'),
    text(attributes, '00080030'),
    text(attributes, '00080201'),
    around.settings.timeZone,
  );
  const { modality: _modality, series: _series, ...kept } = before ?? {};
  return {
    ...without(fromOrder(content, around)),
    ...(started && { started }),
    ...kept,
    resourceType: 'ImagingStudy',
    id: study.imagingStudyId,
    identifier: identifiers(before, study, content),
    status: statusOf(before, study, around),
    subject: subjectOf(before, study),
    endpoint: withEndpoint(before?.endpoint, around.endpointId),
    numberOfSeries: study.numberOfSeries,
    numberOfInstances: study.numberOfInstances,
    ...without({
      modality: modalities(content),
      series: series.map((one) =>
        seriesOf(
          before?.series?.find(({ uid }) => uid === one.SeriesInstanceUID),
          one,
          listed,
          content,
          around,
        ),
      ),
    }),
  } as ImagingStudy;
}

/** The index owns whose a study is; what else a person wrote beside the reference stays while it names the same. */
function subjectOf(before: ImagingStudy | undefined, { patientId }: StudyRow): ImagingStudy['subject'] {
  const reference = `Patient/${patientId}` as const;
  return before?.subject?.reference === reference ? before.subject : { reference };
}

/**
 * What people wrote of it stays. A study that has lost all of its images stays as a record that others refer to; when
 * some come back, it is there again.
 */
function statusOf(
  before: ImagingStudy | undefined,
  { numberOfInstances }: StudyRow,
  { emptyAs = 'entered-in-error' }: EmptyAs,
): ImagingStudy['status'] {
  const isOver = before?.status === 'cancelled' || before?.status === 'entered-in-error';
  if (numberOfInstances === 0) return isOver ? before.status : emptyAs;
  return isOver && before.numberOfInstances !== 0 ? before.status : 'available';
}

/** Elements that describe the examination rather than the images. */
function fromOrder({ attributes, series }: StudyContent, { serviceRequestId }: Connections) {
  const [referrer] = personReferences(attributes, '00080090', '00080096') as Reference<Practitioner>[];
  const description = text(attributes, '00081030');
  const firstOf = (tag: string) => series.map((one) => text(one.attributes, tag)).find((value) => value !== undefined);
  const location = firstOf('00081040') ?? firstOf('00400243');
  const reason = text(attributes, '00401002');
  const history = text(attributes, '001021B0');
  const requested = items(attributes, '00321064').map(codeableConcept);
  const procedures = items(attributes, '00081032').map(codeableConcept);
  const reasons = items(attributes, '0040100A').map(codeableConcept);
  return {
    basedOn: serviceRequestId ? [{ reference: `ServiceRequest/${serviceRequestId}` as const }] : [],
    ...(referrer && { referrer }),
    interpreter: personReferences(attributes, '00081060', '00081062') as Reference<Practitioner>[],
    procedureCode: present(procedures.some(Boolean) ? procedures : requested),
    ...(location && { location: { display: location } }),
    reasonCode: present([...reasons, reason && !reasons.some(Boolean) ? { text: reason } : undefined]),
    ...(description && { description }),
    note: present([history && { text: history }]),
  };
}

/** The study's UID, its accession number and its Study ID; whatever else somebody wrote stays behind them. */
function identifiers(
  before: ImagingStudy | undefined,
  { StudyInstanceUID }: StudyRow,
  { attributes }: StudyContent,
): Identifier[] {
  const derived: Identifier[] = [{ system: systems.studyUid, value: `urn:oid:${StudyInstanceUID}` }];
  const accession = text(attributes, '00080050');
  if (accession) derived.push(accessionIdentifier(accession, attributes));
  const studyId = text(attributes, '00200010');
  if (studyId) derived.push({ type: { text: 'Study ID' }, value: studyId });
  const isDerived = (identifier: Identifier) =>
    identifier.system === systems.studyUid ||
    derived.some((one) => one.value === identifier.value && one.system === identifier.system);
  return [...derived, ...(before?.identifier ?? []).filter((identifier) => !isDerived(identifier))];
}

function accessionIdentifier(value: string, attributes: StudyContent['attributes']): Identifier {
  const [issuer] = items(attributes, '00080051');
  const universal = text(issuer, '00400032');
  const isOid = universal !== undefined && text(issuer, '00400033') === 'ISO' && /^[0-2](\.\d+)+$/.test(universal);
  const assigner = text(issuer, '00400031');
  return {
    type: {
      coding: [{ system: systems.identifierType, code: 'ACSN', display: 'Accession ID' }],
    },
    ...(isOid && { system: `urn:oid:${universal}` }),
    value,
    ...(assigner && { assigner: { display: assigner } }),
  };
}

function modalities({ series }: StudyContent): NonNullable<ImagingStudy['modality']> {
  const codes = new Set(
    series.flatMap(({ attributes }) => texts(attributes, '00080061').concat(modalityOf(attributes))),
  );
  return [...codes].sort().map((code) => ({ system: dcm, code }));
}

/** Type 1 in every image, and 1..1 in FHIR: a series without one is "other" (PS3.3 C.7.3.1.1.1). */
function modalityOf(attributes: StudyContent['attributes']): string {
  const code = text(attributes, '00080060')?.replace(/\s+/g, ' ');
  return code ?? 'OT';
}

function withEndpoint(before: Reference[] | undefined, endpointId: string): ImagingStudy['endpoint'] {
  const own = `Endpoint/${endpointId}`;
  const others = (before ?? []).filter(({ reference }) => reference !== own);
  return [{ reference: own }, ...others] as ImagingStudy['endpoint'];
}

function seriesOf(
  before: ImagingStudySeries | undefined,
  { SeriesInstanceUID, attributes, numberOfInstances, instances }: StudyContent['series'][number],
  listed: boolean,
  study: StudyContent,
  { settings }: Connections,
): ImagingStudySeries {
  const number = integer(attributes, '00200011');
  const description = text(attributes, '0008103E');
  const part = text(attributes, '00180015');
  const side = laterality(text(attributes, '00200060'));
  const offset = text(attributes, '00080201') ?? text(study.attributes, '00080201');
  const started = dateTime(text(attributes, '00080021'), text(attributes, '00080031'), offset, settings.timeZone);
  const { instance: _instances, ...authored } = before ?? {};
  return {
    ...(description && { description }),
    ...(part && { bodySite: bodySite(part) }),
    ...(side && { laterality: side }),
    ...without({ specimen: specimens(attributes), performer: performers(attributes) }),
    ...(started && { started }),
    ...authored,
    uid: SeriesInstanceUID,
    ...(number !== undefined && number >= 0 && number <= 2_147_483_647 && { number }),
    modality: { system: dcm, code: modalityOf(attributes) },
    numberOfInstances,
    ...(listed && { instance: instances.map(instanceOf) }),
  };
}

function instanceOf({
  SOPInstanceUID,
  SOPClassUID,
  InstanceNumber,
  title,
}: StudyContent['series'][number]['instances'][number]) {
  return {
    uid: SOPInstanceUID,
    sopClass: { system: 'urn:ietf:rfc:3986', code: `urn:oid:${SOPClassUID}` },
    ...(InstanceNumber !== undefined && InstanceNumber >= 0 && { number: InstanceNumber }),
    ...(title && { title }),
  };
}

function performers(attributes: StudyContent['attributes']): NonNullable<ImagingStudySeries['performer']> {
  const as = (code: string, display: string) => (actor: Reference) => ({
    function: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code, display }] },
    actor: actor as NonNullable<ImagingStudySeries['performer']>[number]['actor'],
  });
  return [
    ...personReferences(attributes, '00081050', '00081052').map(as('PRF', 'performer')),
    ...personReferences(attributes, '00081070', '00081072').map(as('SPRF', 'secondary performer')),
  ];
}

/** Specimen Description Sequence, or the container's identifier in older objects. */
function specimens(attributes: StudyContent['attributes']): NonNullable<ImagingStudySeries['specimen']> {
  const described = items(attributes, '00400560').flatMap((item) => text(item, '00400551') ?? []);
  const values = described.length > 0 ? described : texts(attributes, '00400512');
  return values.map((value) => ({ type: 'Specimen', identifier: { value } }));
}

function present<T>(values: (T | '' | undefined)[]): T[] {
  return values.filter((value): value is T => Boolean(value));
}

/** FHIR has no empty arrays (FHIR json.html). */
function without<T extends object>(elements: T): T {
  return Object.fromEntries(
    Object.entries(elements).filter(([, value]) => !Array.isArray(value) || value.length > 0),
  ) as T;
}
