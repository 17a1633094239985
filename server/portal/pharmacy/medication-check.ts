import type { Task } from '@medplum/fhirtypes';
import { z } from 'zod';
import { narrow } from '../../core/access/policy.ts';
import {
  checkMedication,
  type Warning,
  type WarningKind,
  warningKinds,
} from '../../core/medications/check-medication.ts';
import { doseLanguageOf } from '../../core/medications/dose-language.ts';
import { doseLanguages } from '../../core/medications/dose-text.ts';
import { tableKinds } from '../../core/medications/entries.ts';
import { knownOfPatient, type KnownOfPatient } from '../../core/medications/known-of-patient.ts';
import { listed, listedAs } from '../../core/medications/listed.ts';
import { standingOf } from '../../core/medications/proposed.ts';
import type { Principal } from '../../core/principal.ts';
import type { World, Reading } from '../../core/world.ts';
import { outputsOf } from '../../core/workflow/review-tasks.ts';
import { apiRoute, type ApiRoute } from '../api/api-route.ts';

const fhirId = z.string().regex(/^[A-Za-z0-9.-]{1,64}$/, 'is no id');
const wanted = z.strictObject({
  patient: fhirId,
  review: fhirId.optional().describe('coordination Task: what it proposed already is left out'),
  medications: z
    .array(
      z.strictObject({
        name: z.string().max(500),
        codes: z
          .array(z.strictObject({ system: z.string().max(200), code: z.string().max(64) }))
          .max(10)
          .default([]),
      }),
    )
    .max(20)
    .default([]),
});

const warning = z.object({
  id: z.string().describe('identifier of the DetectedIssue that answers it'),
  severity: z.enum(['high', 'moderate', 'low']),
  medication: z.number().int().describe('place in the prescription, from 0'),
  with: z.object({ text: z.string(), reference: z.string().optional(), medication: z.number().int().optional() }),
  text: z.string().describe("the table's own words; empty for a plain match"),
});
const state = <Values extends readonly [string, ...string[]]>(values: Values) => z.enum(values);
const known = z.object({
  complete: z.boolean().describe('false: there is more than was read'),
  allergies: z.array(
    z.object({
      reference: z.string(),
      text: z.string(),
      kind: state(['allergy', 'none']),
      state: state(['active', 'inactive', 'resolved']),
      certainty: z.string().optional(),
      criticality: z.string().optional(),
      reactions: z.array(z.string()),
      recordedOn: z.string().optional(),
    }),
  ),
  medications: z.array(
    z.object({
      reference: z.string(),
      text: z.string(),
      state: state(['current', 'proposed', 'ended']),
      status: z.string(),
      dosage: z.string().optional(),
      since: z.string().optional(),
    }),
  ),
});

/** What to think of before medication is proposed. A read, although it is sent: names of medication are for no address. */
export function medicationCheckRoute({ world }: { world: World }): ApiRoute {
  return apiRoute({
    tag: 'Prescriptions',
    roles: ['pharmacist', 'doctor'],
    method: 'post',
    path: '/portal/medication-check',
    summary: "A patient's allergies and medication, and what the site's table says of a prescription beside them",
    description:
      'It knows what the table lists and what FHIR records say, nothing else: no dose, kidney, age or pregnancy. No warning is no promise. Medication under `unlisted` was compared by name only.',
    event: 'portal:medication-check',
    body: wanted,
    answer: {
      schema: z.object({
        language: z.enum(doseLanguages).describe('in which the record is written'),
        known,
        duplicates: z.array(warning),
        interactions: z.array(warning),
        allergies: z.array(warning),
        unlisted: z.array(z.number().int()),
        listed: z
          .array(
            z
              .object({ name: z.string(), codes: z.array(z.object({ system: z.string(), code: z.string() })) })
              .nullable(),
          )
          .describe('what the table knows each medication as, for its code'),
      }),
    },
    handle({ principal, body: { patient, review, medications }, about }) {
      about({ patients: [patient], entities: [`Patient/${patient}`] });
      return world.read(async (stores) => {
        const besides = await ofReview(stores, principal, review);
        const found = await knownOfPatient(stores, principal, patient, world.now(), besides);
        const rows = await stores.medicationEntries.all(tableKinds);
        const table = listed(rows.map(({ content }) => content));
        const { warnings, unlisted } = checkMedication(table, medications, standingOf(found));
        const listing = ({ name }: { name: string }) => {
          const row = listedAs(table, name);
          return row ? { name: row.name, codes: row.codes } : null;
        };
        const of = (kind: WarningKind) => warnings.filter((one) => one.kind === kind).map(shownWarning);
        const [duplicates, interactions, allergies] = warningKinds.map(of);
        const language = doseLanguageOf((await stores.site.read()).languages);
        return {
          language,
          known: shownKnown(found),
          duplicates,
          interactions,
          allergies,
          unlisted,
          listed: medications.map(listing),
        };
      });
    },
  });
}

async function ofReview(
  { records }: Pick<Reading, 'records'>,
  principal: Principal,
  review: string | undefined,
): Promise<Set<string>> {
  if (review === undefined) return new Set();
  const record = await records.read('Task', review, narrow(principal, 'Task', 'read'));
  const task = record?.resource as Task | undefined;
  return new Set(task ? outputsOf(task, 'medication').flatMap(({ valueReference }) => valueReference?.reference ?? []) : []);
} // prettier-ignore

function shownWarning({ kind: _kind, ...warned }: Warning) {
  return warned;
}

function shownKnown({ complete, allergies, medications }: KnownOfPatient) {
  return {
    complete,
    allergies: allergies.map(({ concepts: _concepts, texts: _texts, codes: _codes, high: _high, ...one }) => one),
    medications: medications.map(({ texts: _texts, codes: _codes, ...one }) => one),
  };
}
