/**
 * Drafts: what a person types into a form of ours is kept until it is sent, so that neither a closed tab nor an ended
 * session loses it. Sealed, because it is about patients; of that person alone, on whichever computer; not for long,
 * because what is not sent is no part of any record.
 */
import { newId } from '../../identifier.ts';
import type { World } from '../../world.ts';

export const draftDays = 7;

export interface Draft {
  value: unknown;
  savedAt: Date;
}

type Drafting = Pick<World, 'read' | 'transaction' | 'secrets'>;

export async function draftOf(
  { read, secrets }: Drafting,
  accountId: string,
  name: string,
): Promise<Draft | undefined> {
  const kept = await read(({ drafts }) => drafts.of(accountId, name));
  return kept && { value: JSON.parse(secrets.open(kept.sealed, aboutOf(kept.id))) as unknown, savedAt: kept.savedAt };
}

/** @param value anything that JSON can say. */
export async function keepDraft(world: Drafting, accountId: string, name: string, value: unknown): Promise<void> {
  const id = newId();
  const sealed = world.secrets.seal(JSON.stringify(value), aboutOf(id));
  await world.transaction(({ drafts }) => drafts.save({ id, accountId, name, sealed }));
}

export async function dropDraft({ transaction }: Drafting, accountId: string, name: string): Promise<void> {
  await transaction(({ drafts }) => drafts.remove(accountId, name));
}

const aboutOf = (id: string) => `draft ${id}`;
