/** What happened to a scan, for its patient: kind, time, and who, without a word of what was written. */
import type { Practitioner, Reference, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { idIn } from '../r4/pointer.ts';
import { nameOf } from '../r4/human-name.ts';
import type { Kept } from '../records/server-write.ts';
import { type ReviewStep, statusOf, stepOf } from '../vocabulary/review-codes.ts';
import { outputsOf } from '../workflow/review-tasks.ts';
import type { Reading } from '../world.ts';

export interface Happened {
  kind: 'received' | 'read' | 'medication' | 'released' | 'corrected' | 'new-image' | 'cancelled' | 'withdrawn';
  at: string;
  /** Name of the person who did it. */
  who?: string;
}

/** Acts of people that a patient is told of when they are done. */
const told: Partial<Record<ReviewStep, Happened['kind']>> = {
  'physician-verification': 'read',
  'pharmacist-review': 'medication',
};

/** In the order in which it happened. */
export async function happenedIn(
  stores: Pick<Reading, 'records'>,
  coordination: Task,
  steps: readonly Kept<'Task'>[],
): Promise<Happened[]> {
  const all: Happened[] = [{ kind: 'received', at: coordination.authoredOn ?? '' }];
  let releases = 0;
  for (const step of steps) {
    const code = stepOf(step.code);
    const kind = code && told[code];
    const at = step.executionPeriod?.end ?? step.lastModified ?? '';
    if (kind !== undefined && step.status === 'completed') all.push({ kind, at, ...(await whoIn(stores, step.owner)) });
    if (code === 'report-delivery' && outputsOf(step, 'document').length > 0 && isRelease(step)) {
      all.push({ kind: releases === 0 ? 'released' : 'corrected', at: step.executionPeriod?.start ?? at });
      releases++;
    }
  }
  const status = statusOf(coordination.businessStatus);
  const ended = coordination.lastModified ?? '';
  if (status === 'REJECTED') all.push({ kind: 'new-image', at: ended });
  if (status === 'CANCELLED') all.push({ kind: 'cancelled', at: ended });
  return all.sort((one, other) => (one.at < other.at ? -1 : 1));
}

/** A delivery that only repeats the mail of an earlier one releases nothing. */
export function isRelease(step: Task): boolean {
  const inputs = (step.input ?? []).flatMap(({ type }) => type.coding ?? []).map(({ code }) => code);
  return !inputs.includes('retry-of') && !inputs.includes('recipient');
}

async function whoIn({ records }: Pick<Reading, 'records'>, owner: Reference | undefined): Promise<{ who?: string }> {
  const id = idIn(owner, 'Practitioner');
  if (id === undefined) return {};
  const person = (await records.read('Practitioner', id, everything))?.resource as Practitioner | undefined;
  const who = nameOf(person?.name) ?? owner?.display;
  return who === undefined ? {} : { who };
}
