import { registerRemoteAe, type RemoteAeDraft } from '../core/accounts/remote-aes/change-remote-ae.ts';
import type { World } from '../core/world.ts';

const thisMachine = { addresses: ['127.0.0.1', '::1'], tls: false, disabled: false } as const;

/** What may speak DIMSE with the demo, from this machine only. */
export const demoAes: readonly RemoteAeDraft[] = [
  { ...thisMachine, title: 'MODALITY', name: 'A scanner: stores, and finds', may: ['echo', 'store', 'find'] },
  {
    ...thisMachine,
    title: 'WORKSTATION',
    name: 'A viewer: finds and retrieves; images are moved to port 11113',
    may: ['echo', 'find', 'move', 'get'],
    host: '127.0.0.1',
    port: 11113,
  },
];

/** Those that are not there yet: their titles are free for whoever runs the demo. */
export async function seedRemoteAes(world: World): Promise<void> {
  for (const draft of demoAes)
    await world.transaction(async (stores) => {
      if (!(await stores.remoteAes.byTitle(draft.title))) await registerRemoteAe(stores, draft, {});
    });
}
