/** One act at a time: busy while the server decides, its refusal in words, and fresh lists afterwards. */
import { inject, ref } from 'vue';
import { asFailure, type FailureKind } from '../api/failure.ts';
import { dialogActKey } from '../components/dialogs/step-news.ts';
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
  const dialog = inject(dialogActKey, undefined);

  /** @returns whether it worked. */
  async function act(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    setBusy(true);
    refusal.value = undefined;
    kind.value = undefined;
    try {
      await work();
      if (dialog) dialog.done.value = true;
      await refresh().catch(() => undefined);
      return true;
    } catch (thrown) {
      refusal.value = failureText(thrown);
      kind.value = asFailure(thrown).kind;
      if (kind.value === 'signed-out') session.expire();
      if (['changed-elsewhere', 'conflict', 'not-found', 'gone'].includes(kind.value)) void refresh();
      return false;
    } finally {
      setBusy(false);
    }
  }

  function setBusy(now: boolean): void {
    busy.value = now;
    if (dialog) dialog.busy.value = now;
  }

  return { busy, refusal, kind, act };
}
