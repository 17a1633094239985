import type { Patient } from '@medplum/fhirtypes';
import { everything } from '../../access/narrowing.ts';
import { Problem } from '../../problem.ts';
import { idIn } from '../../r4/pointer.ts';
import type { Rule } from '../../records/rules.ts';
import type { Kept } from '../../records/server-write.ts';
import { mergedInto } from '../../studies/study-owner.ts';
import type { WriteContext } from '../../world.ts';
import { followRestriction, mustMayRestrict } from './keep-restriction.ts';
import { carryMerge, mustBeApart } from './merge-patients.ts';
import { requireMergeRight } from './merge-rights.ts';

/**
 * A plain update that retires a Patient in favour of another (`active` false, link `replaced-by`) is a merge, and does
 * all that `$merge` does: an EHR that knows no operations says it so (FHIR patient.html#merge). The way back is `$unmerge`
 * alone, because a link that is gone would leave everything else with the survivor.
 *
 * @throws Problem `forbidden` for who may not merge; `business-rule` for a merge that cannot be, and for a link or
 * `active` that would undo one.
 */
export const patientRule: Rule<WriteContext> = async (change) => {
  const [was, wanted] = [change.before as Patient | undefined, change.after as Kept<'Patient'>];
  mustMayRestrict(change.context.principal, was, wanted);
  const merging = await mergeRule(change);
  const afterwards = async () => {
    await followRestriction(change.context, was, wanted);
    await merging.afterwards?.();
  };
  return { resource: merging.resource, afterwards };
};

const mergeRule: Rule<WriteContext> = async ({ context, before, after }) => {
  const [was, wanted] = [before as Patient | undefined, after as Kept<'Patient'>];
  if (context.principal.kind === 'system') return { resource: after };
  const into = mergedInto(was);
  if (was && into !== undefined) {
    mustStayMerged(was, wanted, into);
    return { resource: after };
  }
  if (was) await mustKeepReplaced(context, was, wanted);
  const links = (wanted.link ?? []).filter(({ type }) => type === 'replaced-by');
  if (links.length === 0) return { resource: after };
  requireMergeRight(context.principal);
  const target = await targetOf(context, wanted, links.length);
  return { resource: after, afterwards: () => carryOn(context, wanted.id, target) };
};

/** Who is merged stays so until it is taken back. */
function mustStayMerged(was: Patient, wanted: Patient, into: string): void {
  const links = (wanted.link ?? []).filter(({ type }) => type === 'replaced-by');
  if (links.length === 1 && mergedInto(wanted) === into && wanted.active === false) return;
  throw new Problem(
    'business-rule',
    `Patient/${was.id} was merged into Patient/${into}. That is taken back by POST Patient/${was.id}/$unmerge, which gives back what came with it.`,
    { expression: 'Patient.link' },
  );
}

async function mustKeepReplaced({ stores }: WriteContext, was: Patient, wanted: Patient): Promise<void> {
  const kept = new Set(
    (wanted.link ?? []).filter(({ type }) => type === 'replaces').map(({ other }) => other.reference),
  );
  for (const { type, other } of was.link ?? []) {
    const id = idIn(other, 'Patient');
    if (type !== 'replaces' || id === undefined || kept.has(other.reference)) continue;
    const retired = (await stores.records.read('Patient', id, everything))?.resource as Patient | undefined;
    if (mergedInto(retired) !== was.id) continue;
    throw new Problem(
      'business-rule',
      `Patient/${id} was merged into this one: keep the link. The merge is taken back by POST Patient/${id}/$unmerge.`,
      { expression: 'Patient.link' },
    );
  }
}

/** The one that shall stand for it, locked. */
async function targetOf({ stores }: WriteContext, wanted: Patient, links: number): Promise<Kept<'Patient'>> {
  const refuse = (message: string, expression: string): never => {
    throw new Problem('business-rule', message, { expression });
  };
  const id = mergedInto(wanted);
  if (links > 1) refuse('A Patient is replaced by one other.', 'Patient.link');
  if (id === undefined || id === wanted.id)
    return refuse('A Patient is replaced by another Patient of this server: Patient/[id].', 'Patient.link.other');
  if (wanted.active !== false) refuse('A Patient that is replaced by another is not active.', 'Patient.active');
  const target = (await stores.records.lock('Patient', id))?.resource as Kept<'Patient'> | undefined;
  if (!target) return refuse(`Patient/${id} does not exist.`, 'Patient.link.other');
  mustBeApart(wanted, target);
  return target;
}

async function carryOn(context: WriteContext, id: string, target: Kept<'Patient'>): Promise<void> {
  const stored = await context.stores.records.read('Patient', id, everything);
  await carryMerge(context, { source: stored!.resource as Kept<'Patient'>, target });
}
