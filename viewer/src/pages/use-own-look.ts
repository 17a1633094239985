/** Holds language and look to what the site and the person who is signed in want; once for the whole application. */
import { useQuery, useQueryClient } from '@tanstack/vue-query';
import { computed, watch } from 'vue';
import { useConnection } from '../api/connection.ts';
import type { PreferencesChange } from '../api/preferences.ts';
import { useServerStatus } from '../api/use-server-status.ts';
import { useLook } from '../look.ts';
import { useSession } from '../smart/session.ts';

const key = ['account', 'preferences'];

/** How this person wants the pages; asked for once, and again when it was changed. */
export function usePreferences() {
  const { preferences } = useConnection();
  const session = useSession();
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => preferences.read(signal),
    enabled: computed(() => session.state === 'signed-in'),
    staleTime: Infinity,
  });
}

/** Changes them at the server; every part of the pages that shows them follows. */
export function useChangePreferences() {
  const { preferences } = useConnection();
  const queries = useQueryClient();
  return async (change: PreferencesChange) => {
    queries.setQueryData(key, await preferences.change(change));
  };
}

export function useOwnLook(): void {
  const look = useLook();
  const queries = useQueryClient();
  const { data: status } = useServerStatus();
  const { data: wanted } = usePreferences();
  // What the server said in words, it says again in the other language; what the person wants is being written just now.
  watch(
    () => look.language,
    () => void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.join() !== key.join() }),
  );
  watch(status, (server) => server && void look.takeSite(server.languages), { immediate: true });
  watch(wanted, (profile) => profile && void look.takeProfile(profile), { immediate: true });
}
