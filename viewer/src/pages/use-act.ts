/** One act at a time: busy while the server decides, its refusal in words, and fresh lists afterwards. */
import { ref } from 'vue';
import { asFailure } from '../api/failure.ts';
import { useFailureText } from '../components/feedback/failure-text.ts';
import { useRefresh } from './use-work-list.ts';

export function useAct() {
  const busy = ref(false);
  const refusal = ref<string>();
  const failureText = useFailureText();
  const refresh = useRefresh();

  /** @returns whether it worked. */
  async function act(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    refusal.value = undefined;
    try {
      await work();
      await refresh().catch(() => undefined);
      return true;
    } catch (thrown) {
      refusal.value = failureText(thrown);
      if (['changed-elsewhere', 'conflict'].includes(asFailure(thrown).kind)) void refresh();
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, refusal, act };
}
