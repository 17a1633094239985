/** The records that are open to this doctor in an emergency, while they are. */
import { useQuery } from '@tanstack/vue-query';
import { useNow } from '@vueuse/core';
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import { useConnection } from '../../api/connection.ts';
import { useSession } from '../../smart/session.ts';

export function useEmergency() {
  const { locale } = useI18n();
  const { emergency } = useConnection();
  const session = useSession();
  const now = useNow({ interval: 10_000 });
  const { data } = useQuery({
    queryKey: ['emergency', 'mine'],
    queryFn: ({ signal }) => emergency.mine(signal),
    enabled: computed(() => session.role === 'doctor'),
    meta: { live: ['topic:emergency'] },
  });
  const open = computed(() => (data.value?.accesses ?? []).filter(({ until }) => new Date(until) > now.value));
  const timeText = (until: string) =>
    new Intl.DateTimeFormat(locale.value, { timeStyle: 'short' }).format(new Date(until));
  return { open, timeText };
}
