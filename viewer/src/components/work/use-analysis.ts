/** Starting the analysis of a review, from a row or a study page. One at a time; a refusal can be tried again. */
import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { useConnection } from '../../api/connection.ts';
import { RequestFailure } from '../../api/failure.ts';
import { startAnalysis } from '../../api/review/acts.ts';
import { reviewSteps } from '../../api/review/codes.ts';
import type { ReviewState } from '../../api/review/offered-acts.ts';
import { openStep } from '../../api/review/work-item.ts';
import { workPage } from '../../api/review/work-list.ts';
import { useAct } from '../../pages/use-act.ts';
import { useToasts } from '../feedback/toasts.ts';

export function useAnalysis() {
  const { t } = useI18n();
  const { fhir } = useConnection();
  const toasts = useToasts();
  const { refusal, act } = useAct();
  /** Of which review. */
  const starting = ref<string>();

  async function begin(review: string): Promise<void> {
    const page = await workPage(fhir, { _id: review }, { size: 1 });
    const step = page.items[0] && openStep(page.items[0], reviewSteps.inference);
    if (!step) throw new RequestFailure('changed-elsewhere');
    await fhir.patch(step, startAnalysis);
  }

  async function start(state: Pick<ReviewState, 'review' | 'scan'>): Promise<void> {
    if (starting.value !== undefined) return;
    starting.value = state.review;
    const started = await act(() => begin(state.review));
    starting.value = undefined;
    if (started) return toasts.show({ kind: 'info', text: t('toast.analysisStarted', { scan: state.scan }) });
    toasts.show({
      kind: 'error',
      text: refusal.value ?? '',
      action: { label: t('action.retry'), run: () => void start(state) },
    });
  }
  return { start, starting };
}
