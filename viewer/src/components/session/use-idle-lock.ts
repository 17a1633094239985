/** Covers the page when nobody has used it, or another tab of the same person, for a while. */
import { useEventListener, useIntervalFn } from '@vueuse/core';
import { computed, onScopeDispose, watch } from 'vue';
import { useServerStatus } from '../../api/use-server-status.ts';
import { useSession } from '../../smart/session.ts';
import { openTabs } from '../../smart/tabs.ts';

const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'scroll'] as const;
/** How often other tabs hear that somebody is here, and how often it is looked whether somebody is. Milliseconds. */
const everyMs = 5_000;

export function useIdleLock(): void {
  const session = useSession();
  const { data: server } = useServerStatus();
  const tabs = openTabs();
  let last = Date.now();
  let told = 0;

  const limit = computed(() => (server.value?.idleMinutes ?? 0) * 60_000);
  const self = () => session.person?.subject ?? '';

  function someone(): void {
    const now = Date.now();
    // Who comes back to a page that was left for too long, or wakes the computer, does not unlock it by that.
    if (isIdle(now)) return look();
    last = now;
    if (now - told < everyMs || session.state !== 'signed-in') return;
    told = now;
    tabs.tell({ kind: 'active', subject: self() });
  }

  const isIdle = (now: number) => limit.value > 0 && now - last > limit.value;

  function look(): void {
    if (session.cover || session.state !== 'signed-in' || !isIdle(Date.now())) return;
    session.hide('idle');
    tabs.tell({ kind: 'locked', subject: self() });
  }

  useEventListener(document, [...signs], someone, { capture: true, passive: true });
  useEventListener(document, 'visibilitychange', look);
  useIntervalFn(look, everyMs);
  const stop = tabs.hear((message) => {
    if (message.subject !== self()) return;
    if (message.kind === 'active') last = Date.now();
    if (message.kind === 'locked') session.hide('idle');
    if (message.kind === 'unlocked') {
      last = Date.now();
      session.uncover();
    }
  });
  watch(
    () => session.cover,
    (now, before) => {
      if (now !== undefined || before !== 'idle' || session.state !== 'signed-in') return;
      last = Date.now();
      tabs.tell({ kind: 'unlocked', subject: self() });
    },
  );
  // Signing in is being there.
  watch(
    () => session.state,
    (state) => state === 'signed-in' && (last = Date.now()),
  );
  onScopeDispose(stop);
}
