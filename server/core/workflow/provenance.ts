import type { Provenance, ProvenanceAgent, Signature, Task } from '@medplum/fhirtypes';
import { derivedId } from '../derived-id.ts';
import { newId } from '../identifier.ts';
import type { WriteContext } from '../world.ts';
import { aiAsserted, withheld } from '../vocabulary/security-labels.ts';
import { systems } from '../vocabulary/systems.ts';
import type { Pointer } from '../r4/pointer.ts';
import { create } from '../records/server-write.ts';
import { provenanceIdOf, type SignedAct } from './signature.ts';

export interface Happening {
  /** What happened, in a word of the review: `verify`, `analyze`, `open` ... */
  act: string;
  operation: 'CREATE' | 'UPDATE';
  /** Version-specific references of everything that the transition wrote. */
  targets: Pointer[];
  /** What it was made from. */
  sources?: Pointer[];
  /** The model, where a model did it. */
  device?: Pointer;
  /** What the person signed with it; the id of the Provenance follows from act and step. */
  signed?: { act: SignedAct; step: Task; signature: Signature };
  /** Two records of a person became one, or two again (ISO 21089). */
  lifecycle?: 'merge' | 'unmerge';
  /** Why, in the words of who did it. */
  reason?: string;
  /** Ids of accounts that came to another record. */
  accounts?: readonly string[];
}

/** Records who did a transition, when and from what (docs/workflow.md): one Provenance a transition. */
export async function recordProvenance(context: WriteContext, happening: Happening): Promise<void> {
  const at = context.world.now().toISOString();
  const provenance: Provenance & { id: string } = {
    resourceType: 'Provenance',
    id: idOf(happening),
    meta: { security: happening.device ? [aiAsserted, withheld] : [withheld] },
    target: happening.targets,
    occurredDateTime: at,
    recorded: at,
    activity: {
      coding: [
        { system: systems.dataOperation, code: happening.operation },
        ...(happening.lifecycle ? [{ system: systems.recordLifecycle, code: happening.lifecycle }] : []),
      ],
      text: happening.act,
    },
    agent: [agentOf(context, happening.device)],
    ...(happening.reason !== undefined && { reason: [{ text: happening.reason }] }),
    ...entities(happening),
    ...(happening.signed && { signature: [happening.signed.signature] }),
  };
  await create(context, provenance);
}

/** What is acted upon later, signatures and merges, has an id that no client can give. */
function idOf({ signed, lifecycle }: Happening): string {
  if (signed) return provenanceIdOf(signed.act, signed.step);
  return lifecycle ? derivedId(lifecycle, newId()) : newId();
}

function entities({ sources = [], accounts = [] }: Happening): Pick<Provenance, 'entity'> {
  const entity = [
    ...sources.map((what) => ({ role: 'source' as const, what })),
    ...accounts.map((value) => ({ role: 'source' as const, what: { identifier: { system: systems.account, value } } })),
  ];
  return entity.length > 0 ? { entity } : {};
}

function agentOf(context: WriteContext, device: Pointer | undefined): ProvenanceAgent {
  if (device) return { type: agentType('performer'), who: device };
  const { fhirUser, kind } = context.principal;
  if (fhirUser) return { type: agentType('author'), who: { reference: fhirUser } };
  const software = kind === 'system' ? 'Clinical Scan Support System' : context.principal.clientId;
  return { type: agentType('assembler'), who: { type: 'Device', display: software } };
}

function agentType(code: string) {
  return { coding: [{ system: systems.provenanceAgent, code }] };
}
