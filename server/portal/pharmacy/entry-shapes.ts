import { z } from 'zod';
import type { Entry } from '../../core/medications/entry-store.ts';
import type { EntryContent } from '../../core/medications/entries.ts';

export const entryParams = { id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'is no id') };
export const entryVersion = z.strictObject({ version: z.coerce.number().int().min(1) });

const facts = {
  id: z.string(),
  version: z.number().int(),
  changedAt: z.iso.datetime(),
  changedBy: z.string().optional().describe('absent: it came with the release'),
};

/** An entry as it is answered: what it says, who said so and when. */
export function shownEntry<Content extends z.ZodObject>(content: Content) {
  return content.extend(facts);
}

export function entryOf<Content extends EntryContent>({ content, ...about }: Entry<Content>) {
  return { ...content, ...about };
}
