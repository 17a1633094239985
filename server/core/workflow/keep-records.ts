/**
 * The rights of `record-rights.ts`, asked for every write of a client, whatever its scope: the one place where a record
 * of a review, of the archive or of a model is kept from being changed by plain FHIR.
 */
import type { Media, Observation, Provenance, Resource } from '@medplum/fhirtypes';
import { releasedStatus } from '../access/released-only.ts';
import { mustNotBeOfModel } from '../analysis/registry/model-records.ts';
import { Problem } from '../problem.ts';
import { mustNotBeOwnDefinition } from '../records/own-definitions.ts';
import type { ClientRules } from '../records/rules.ts';
import { sameContent } from '../records/write.ts';
import { isAiAsserted, isWithheld, withLabelsOf } from '../vocabulary/security-labels.ts';
import type { WriteContext } from '../world.ts';
import { inOwnName, mustBeOwnProvenance } from './own-name.ts';
import { kindOf } from './record-kind.ts';
import { type Actor, nextInState, type RecordKind, recordRights, type Row } from './record-rights.ts';
import { stateOfReview } from './records-of-review.ts';

/** What the record store asks before it stores what a client sends (`RecordRules.ofClients`). */
export const keepRecords: ClientRules<WriteContext> = {
  async change(context, before, sent) {
    for (const side of [before, sent]) {
      if (!side) continue;
      mustNotBeOwnDefinition(context, side);
      await mustNotBeOfModel(context, side);
    }
    const kind = await kindOf(context, before, sent);
    const act = before ? 'change' : 'create';
    const may = kind === undefined ? 'yes' : mayDo(context, kind, act);
    if (may === undefined) {
      if (before && sameContent(before, sent)) return sent;
      throw await refusal(context, kind!, act, before ?? sent);
    }
    if (context.principal.kind === 'user') mustNotLabel(before, sent);
    const after = before ? withLabelsOf(before, sent) : sent;
    if (before) mustStayUnreleased(before, after);
    if (kind === 'ai-result-of-others') mustNameDevice(after);
    if (may !== 'own') return after;
    if (kind === 'provenance') {
      await mustBeOwnProvenance(context, after as Provenance);
      return after;
    }
    return inOwnName(context, before, after);
  },

  async removal(context, before) {
    mustNotBeOwnDefinition(context, before);
    await mustNotBeOfModel(context, before);
    const kind = await kindOf(context, before, undefined);
    if (kind === undefined || mayDo(context, kind, 'remove') !== undefined) return;
    throw await refusal(context, kind, 'remove', before);
  },
};

type Act = 'create' | 'change' | 'remove';

function mayDo(context: WriteContext, kind: RecordKind, act: Act): 'yes' | 'own' | undefined {
  const actor = actorOf(context);
  return actor && (recordRights[kind] as Row)[act][actor];
}

/** A person without a role is nobody. */
function actorOf({ principal }: WriteContext): Actor | undefined {
  return principal.kind === 'client' ? 'service' : principal.role;
}

/** Needed by what goes on or is stored: 409 (FHIR http.html#delete). Everything else is a matter of rights: 403, audited. */
const needed = new Set<RecordKind>(['review-task', 'stored-study']);

async function refusal(context: WriteContext, kind: RecordKind, act: Act, record: Resource): Promise<Problem> {
  const row: Row = recordRights[kind];
  const state = row.instead === 'by-state' ? await stateOfReview(context, record) : undefined;
  const instead = row.instead === 'by-state' ? state && nextInState[state] : row.instead;
  const nobody = Object.keys(row[act]).length === 0;
  const who = nobody ? `Nobody but the server ${verbs[act]}` : `Not everybody ${verbs[act]}`;
  const words = [
    `${who} ${row.what}.`,
    ...(state ? [`The review is ${state}.`] : []),
    instead ?? 'It follows from the steps of its review (docs/workflow.md).',
  ];
  return new Problem(act === 'remove' && needed.has(kind) ? 'conflict' : 'forbidden', words.join(' '));
}

const verbs: Record<Act, string> = { create: 'makes', change: 'changes', remove: 'deletes' };

/** Labels say what a machine wrote and what waits for its release: no person says either by hand. */
function mustNotLabel(before: Resource | undefined, after: Resource): void {
  const adds = (has: (one: Resource) => boolean) => has(after) && !(before && has(before));
  if (adds(isAiAsserted))
    throw new Problem('forbidden', 'The label AIAST is put on by software only: leave it off what a person writes.', {
      expression: `${after.resourceType}.meta.security`,
    });
  if (adds(isWithheld))
    throw new Problem('forbidden', 'The label NOPAT is put on and taken off by the review only: leave it off.', {
      expression: `${after.resourceType}.meta.security`,
    });
}

/** A withheld report of another system would be final for everybody but its patient, and nobody could show it. */
function mustStayUnreleased(before: Resource, after: Resource): void {
  if (after.resourceType !== 'DiagnosticReport' || !isWithheld(before) || !releasedStatus.includes(after.status))
    return;
  throw new Problem(
    'business-rule',
    'A report that is withheld (NOPAT) becomes final by the release of a review only.',
    {
      expression: 'DiagnosticReport.status',
    },
  );
}

/** A result of software says of which: a Device of its own; those of our models were refused before. */
function mustNameDevice(result: Resource): void {
  if (result.resourceType !== 'Observation' && result.resourceType !== 'Media') return;
  const { device } = result as Observation | Media;
  if (device && (device.reference ?? device.identifier?.value) !== undefined) return;
  throw new Problem('business-rule', 'A result that software asserted names the Device that made it.', {
    expression: `${result.resourceType}.device`,
  });
}
