/** One act at a time: busy while the server decides, its refusal in words, and fresh lists afterwards. */
import { ref } from 'vue';
import { asFailure, type FailureKind } from '../api/failure.ts';
import { useFailureText } from '../components/feedback/failure-text.ts';
import { useSession } from '../smart/session.ts';
import { useRefresh } from './use-work-list.ts';

/** @param refresh asks again for what the act changes; the lists of work unless said otherwise. */
export function useAct(refresh: () => Promise<void> = useRefresh()) {
  const busy = ref(false);
  const refusal = ref<string>();
  /** What kind of refusal it was. */
  const kind = ref<FailureKind>();
  const failureText = useFailureText();
  const session = useSession();

  /** @returns whether it worked. */
  async function act(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    refusal.value = undefined;
    kind.value = undefined;
    try {
      await work();
      await refresh().catch(() => undefined);
      return true;
    } catch (thrown) {
      refusal.value = failureText(thrown);
      kind.value = asFailure(thrown).kind;
      if (kind.value === 'signed-out') session.expire();
      if (['changed-elsewhere', 'conflict', 'not-found', 'gone'].includes(kind.value)) void refresh();
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, refusal, kind, act };
}
