import type {
  Binary,
  DiagnosticReport,
  ImagingStudy,
  Media,
  Observation,
  Patient,
  ServiceRequest,
  Task,
} from '@medplum/fhirtypes';
import { middleFrame } from '../analysis/analyze-study.ts';
import { imageOfResult } from '../analysis/image-of-result.ts';
import { mostTelling } from '../analysis/images-to-read.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { Reading, Surroundings, World } from '../world.ts';
import { searchOwn } from '../records/own-search.ts';
import { escapedValue } from '../search/search-values.ts';
import { dayOf } from '../time-zone.ts';
import type { PharmacistPart } from '../workflow/report-parts.ts';
import { stepsOf } from '../workflow/review-steps.ts';
import { type ReportToRelease, reportToRelease, signedReport } from '../workflow/signed-report.ts';
import { inputOf, outputOf, outputsOf } from '../workflow/review-tasks.ts';
import type { Kept } from '../records/server-write.ts';
import { studyUidOf } from '../studies/study-uid.ts';
import { aiPart } from './ai-part.ts';
import { found, needed } from './look-up.ts';
import { nameOf } from '../r4/human-name.ts';
import { numberOf } from './report-number.ts';
import { recordNumberOf } from '../vocabulary/record-number.ts';
import { addressOf, ageOn, contactOf } from './person.ts';
import type { Facts, ReportContent } from './report-content.ts';
import { scanFacts } from './scan-facts.ts';
import { localTime } from './local-time.ts';
import { addendaOf, findingsOf, personName, signaturesOf, versionOf } from './signed-words.ts';

type Stores = Pick<Reading, 'records' | 'studies' | 'site'>;

/** Everything that the report of a review rests on, read outside any transaction. */
export interface Sources {
  report: Kept<'DiagnosticReport'>;
  patient: Patient;
  study: ImagingStudy;
  coordination: Kept<'Task'>;
}

/**
 * Collects what a report says from the records of its review.
 *
 * @param number the report's number
 * @throws Problem `conflict` if a part of the review is not there; signature-mismatch (`isMismatch`) if one differs from
 *   what was signed; what decoding the image throws.
 */
export async function gatherReport(
  world: World,
  delivery: Task,
  number: string,
  at: Date,
): Promise<{ content: ReportContent; sources: Sources }> {
  return world.read((stores) =>
    gather(world, stores, delivery, {
      number,
      at,
      signed: (records) => signedReport(world, stores, delivery, records),
    }),
  );
}

/**
 * What the report will say if it is approved as it stands now, by the same way as the report itself.
 *
 * @param waiting the open `release-approval` step
 * @throws Problem as `gatherReport`.
 */
export async function gatherPreview(world: World, waiting: Task, at: Date): Promise<ReportContent> {
  const { content } = await world.read((stores) =>
    gather(world, stores, waiting, { at, signed: (records) => reportToRelease(world, stores, waiting, records) }),
  );
  return { ...content, preview: true };
}

interface Making {
  /** Without one, it is the report's own, if that was released before. */
  number?: string;
  at: Date;
  signed(records: Parameters<typeof signedReport>[3]): Promise<ReportToRelease>;
}

async function gather(
  world: Surroundings,
  stores: Stores,
  step: Task,
  { number, at, signed: signedBy }: Making,
): Promise<{ content: ReportContent; sources: Sources }> {
  const coordination = await needed(stores, 'Task', step.partOf?.[0]);
  const report = await needed(stores, 'DiagnosticReport', outputOf(coordination, 'report'));
  const patient = await needed(stores, 'Patient', report.subject);
  const study = await needed(stores, 'ImagingStudy', inputOf(coordination, 'study'));
  const order = await needed(stores, 'ServiceRequest', coordination.focus);
  const steps = await stepsOf(stores, coordination.id);
  const ai = await found(stores, 'Observation', outputOf(coordination, 'ai-finding'));
  const instance =
    (ai && (await imageOfResult(stores, ai))) ?? (await mostTelling(stores.studies, studyUidOf(study) ?? ''));
  const signed = await signedBy({ coordination, steps, report });
  const sources: Sources = { report, patient, study, coordination };
  const content: ReportContent = {
    number: number ?? numberOf(report) ?? 'without a number yet',
    issuedAt: localTime(world, at),
    organization: await organizationOf(world, stores),
    patient: patientFacts(patient, study, at, world.settings.timeZone),
    referral: await referralFacts(stores, order),
    scan: instance ? scanFacts(instance, world.settings.timeZone) : [['Study', study.description]],
    scanId: coordination.groupIdentifier?.value ?? coordination.id,
    pictures: await pictures(world, stores, { report, ai, instance }),
    ai: ai && (await aiPart(world, stores, ai, outputsOf(coordination, 'ai-finding').length)),
    aiAbsent: ai ? undefined : 'No AI result was used: the doctor read the image without it.',
    version: await versionOf(world, stores, signed, report.issued),
    findings: await findingsOf(stores, signed),
    addenda: await addendaOf(world, stores, signed),
    prescription: prescriptionOf(signed.pharmacist),
    signatures: await signaturesOf(world, stores, signed, ai),
  };
  return { content, sources };
}

/** The site's own Organization, else the one of its name, if it is among the records. */
async function organizationOf(world: Surroundings, stores: Stores): Promise<ReportContent['organization']> {
  const name = world.settings.organizationName;
  const { organizationId } = world.settings;
  const exactly = { parameter: 'name', modifier: 'exact', values: [escapedValue(name)] };
  const organization =
    (organizationId && (await found(stores, 'Organization', { reference: `Organization/${organizationId}` }))) ||
    (await searchOwn(stores, 'Organization', [exactly], { count: 1 })).found[0];
  const logo = await stores.site.logo();
  const details = [
    addressOf(organization?.address),
    contactOf(organization?.telecom, 'phone'),
    contactOf(organization?.telecom, 'email'),
  ];
  return {
    name,
    details: details.filter((detail) => detail !== undefined),
    ...(logo && { logo: dataUri(logo.type, logo.bytes) }),
  };
}

function patientFacts(patient: Patient, study: ImagingStudy, at: Date, timeZone: string): Facts {
  const age = ageOn(patient, dayOf(study.started ?? at.toISOString(), timeZone));
  const emergency =
    patient.contact?.find(({ relationship }) =>
      relationship?.some(({ coding }) => coding?.some(({ code }) => code === 'C')),
    ) ?? patient.contact?.[0];
  return [
    ['Name', nameOf(patient.name)],
    ['Patient ID', recordNumberOf(patient.identifier)],
    ['Age at scan', age === undefined ? undefined : `${age} years`],
    ['Gender', patient.gender],
    ['Date of birth', patient.birthDate],
    ['Phone', contactOf(patient.telecom, 'phone')],
    ['E-mail', contactOf(patient.telecom, 'email')],
    ['Address', addressOf(patient.address)],
    [
      'Emergency contact',
      emergency &&
        [nameOf(emergency.name ? [emergency.name] : undefined), contactOf(emergency.telecom, 'phone')]
          .filter(Boolean)
          .join(', '),
    ],
  ];
}

async function referralFacts(stores: Stores, order: ServiceRequest): Promise<Facts> {
  return [
    [
      'Accession number',
      order.identifier?.find(({ type }) => type?.coding?.some(({ code }) => code === 'ACSN'))?.value,
    ],
    ['Requested', order.code?.text ?? order.code?.coding?.[0]?.display],
    ['Referred by', await personName(stores, order.requester)],
    [
      'Indication',
      order.reasonCode
        ?.map(({ text, coding }) => text ?? coding?.[0]?.display)
        .filter(Boolean)
        .join('; '),
    ],
    ['Priority', order.priority],
  ];
}

async function pictures(
  world: Surroundings,
  stores: Stores,
  {
    report,
    ai,
    instance,
  }: { report: DiagnosticReport; ai: Observation | undefined; instance: InstanceRow | undefined },
): Promise<ReportContent['pictures']> {
  const result: ReportContent['pictures'] = [];
  if (instance) {
    const jpeg = await world.pixels.render(instance, middleFrame(instance), {
      format: 'jpeg',
      quality: 88,
      viewport: { width: 900, height: 900 },
    });
    result.push({ title: 'Scan image', caption: 'Key image of the study.', dataUri: dataUri('image/jpeg', jpeg) });
  }
  // Of the result that is printed, where there are several.
  const ofResult = ai?.derivedFrom?.find(({ reference }) => reference?.startsWith('Media/'));
  const media = await found(stores, 'Media', ofResult ?? report.media?.[0]?.link);
  const bytes = await found(stores, 'Binary', { reference: (media as Media | undefined)?.content.url ?? '' });
  const { contentType, data } = (bytes as Binary | undefined) ?? {};
  if (data) {
    const caption = 'Grad-CAM: where the model looked, not where disease is. Not for diagnosis.';
    result.push({ title: 'AI heat map', caption, dataUri: `data:${contentType};base64,${data}` });
  }
  return result;
}

function dataUri(type: string, bytes: Uint8Array): string {
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}

function prescriptionOf(part: PharmacistPart | undefined): ReportContent['prescription'] {
  if (!part) return { items: [], noneNeeded: false, notes: '' };
  const items = part.medication.map((one) => ({
    name: one.medicationCodeableConcept?.text ?? one.medicationCodeableConcept?.coding?.[0]?.display ?? 'Medication',
    dosage:
      one.dosageInstruction
        ?.map(({ text }) => text)
        .filter(Boolean)
        .join('; ') || undefined,
  }));
  const notes = (part.step.note ?? []).map(({ text }) => text).join('\n\n');
  return { items, noneNeeded: items.length === 0, notes };
}
