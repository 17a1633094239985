import type { WriteContext } from '../world.ts';
import type { NewNotice } from './notice-store.ts';

/**
 * Tells people of something, in the transaction of what happened: they find it under the bell of every page, open pages
 * at once, and browsers that want to be told when they are closed. Nothing is written down that they could not look up
 * by their own rights, so that what is hidden from somebody later is hidden there too.
 */
export async function tell(
  { stores, world, principal, causedBy = principal }: Pick<WriteContext, 'stores' | 'world' | 'principal' | 'causedBy'>,
  notice: Omit<NewNotice, 'causedBy'>,
): Promise<void> {
  const person = causedBy.kind === 'user' ? { causedBy: causedBy.subject } : {};
  const rows = await stores.notices.insert({ ...notice, ...person });
  const about = {
    ...(notice.review !== undefined && { review: notice.review }),
    ...(notice.urgent && { urgent: true }),
  };
  for (const { id, account, wanted } of rows) {
    const audience = 'role' in notice.to ? { role: notice.to.role } : account === undefined ? undefined : { account };
    if (audience) await stores.news.post('notices', audience);
    if (wanted && world.settings.webPush)
      await stores.jobs.enqueue({ kind: 'push', key: id, data: { notice: id, ...about } });
  }
}
