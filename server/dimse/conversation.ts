import type { RemoteAe } from '../core/accounts/remote-aes/remote-ae-store.ts';
import type { AuditRow } from '../core/access/audit-trail.ts';
import type { RefusalLog } from '../core/access/refusal-log.ts';
import type { Asking } from '../core/studies/locate.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';
import type { Association } from './upper-layer/association.ts';
import type { DimseSettings } from './settings.ts';

/** Files of instances as they are given out, in a transfer syntax or as they are stored; the face of DICOMweb has them. */
export type InstanceFiles = (
  instances: readonly InstanceAddress[],
  transferSyntax: string,
) => Promise<(() => AsyncIterable<Uint8Array>)[]>;

export interface DimseParts {
  world: World;
  settings: DimseSettings;
  refusals: Pick<RefusalLog, 'note'>;
  files: InstanceFiles;
  onFault(error: unknown, requestId: string): void;
}

/** One association with a known application entity: what its acts are done with. */
export interface Conversation extends DimseParts {
  association: Association;
  ae: RemoteAe;
  asking: Required<Omit<Asking, 'meanwhile'>>;
}

/** A row of the audit trail about the association itself. */
export function noteAct(
  { world, asking }: Pick<Conversation, 'world' | 'asking'>,
  row: Pick<AuditRow, 'event' | 'action' | 'outcome'> & Partial<AuditRow>,
): Promise<void> {
  return world.read(({ audit }) => audit.append({ ...asking, ...row }));
}
