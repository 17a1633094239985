import type { Attachment, Binary, DocumentReference, Media, Resource } from '@medplum/fhirtypes';
import { createHash } from 'node:crypto';
import { everything } from '../access/narrowing.ts';
import { isDerivedId } from '../derived-id.ts';
import { Problem } from '../problem.ts';
import { idIn } from '../r4/pointer.ts';
import type { Reading } from '../world.ts';
import { searchOwn } from './own-search.ts';

/**
 * R4 wants SHA-1 in `Attachment.hash` (base64). It finds what was damaged or exchanged in the store, not what somebody
 * made to have the same hash, or who changed the hash too: against those stand rights, and the signatures of a review.
 */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64');
}

/**
 * Refuses a Binary of the server whose bytes are not those that its attachment tells of: the document that names it, or
 * the picture that it hangs on. Both are told by ids that only the server gives, so that nobody can make a Binary
 * unreadable by an attachment of one's own. Attachments of earlier releases without a hash are compared by size.
 *
 * @throws Problem `exception`.
 */
export async function mustMatchAttachments(
  stores: Pick<Reading, 'records'>,
  records: Iterable<Resource | undefined>,
): Promise<void> {
  for (const record of records) {
    if (record?.resourceType !== 'Binary' || !isDerivedId(record.id)) continue;
    for (const attachment of await attachmentsOf(stores, record)) mustMatch(attachment, record);
  }
}

/** @throws Problem `exception` if the content is not what the attachment says. */
export function mustMatch({ hash, size }: Attachment, binary: Binary): void {
  const bytes = Buffer.from(binary.data ?? '', 'base64');
  const same = (hash === undefined || hash === hashOf(bytes)) && (size === undefined || size === bytes.length);
  if (same) return;
  throw new Problem(
    'exception',
    `The content of Binary/${binary.id} is not what was stored: it differs from the hash or the size of its attachment, and is ` +
      'not given out. An administrator restores it from the backup.',
  );
}

async function attachmentsOf({ records }: Pick<Reading, 'records'>, binary: Binary): Promise<Attachment[]> {
  const url = `Binary/${binary.id}`;
  const media = idIn(binary.securityContext, 'Media');
  const picture = media === undefined ? undefined : await records.read('Media', media, everything);
  const named = { parameter: 'location', values: [url] };
  const { found } = picture ? { found: [] } : await searchOwn({ records }, 'DocumentReference', [named], { count: 20 });
  const owners: Resource[] = [...found, ...(picture?.resource ? [picture.resource] : [])];
  return owners
    .filter(({ id }) => isDerivedId(id))
    .flatMap((owner) => contentOf(owner).filter((one) => one.url === url));
}

function contentOf(owner: Resource): Attachment[] {
  if (owner.resourceType === 'Media') return [(owner as Media).content];
  return (owner as DocumentReference).content.map(({ attachment }) => attachment);
}
