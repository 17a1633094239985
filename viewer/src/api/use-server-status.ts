import { useQuery } from '@tanstack/vue-query';
import { serverStatus } from './server-status.ts';

/** What the server says about itself; asked once a minute at most. */
export function useServerStatus() {
  return useQuery({
    queryKey: ['server-status'],
    queryFn: ({ signal }) => serverStatus(signal),
    staleTime: 60_000,
  });
}
