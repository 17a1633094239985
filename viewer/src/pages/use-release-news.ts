/** The PDF is made after the approval: when it is there, a message offers it at once, on whatever page one is by then. */
import type { Task } from '@medplum/fhirtypes';
import { useI18n } from 'vue-i18n';
import { useConnection } from '../api/connection.ts';
import type { WorkItem } from '../api/review/work-item.ts';
import { workPage } from '../api/review/work-list.ts';
import { useToasts } from '../components/feedback/toasts.ts';
import { useSession } from '../smart/session.ts';
import { useReport } from './use-report.ts';
import { useRefresh } from './use-work-list.ts';

const between = 1_500;
const mostTries = 40;

export function useReleaseNews() {
  const { t } = useI18n();
  const { fhir } = useConnection();
  const session = useSession();
  const toasts = useToasts();
  const refresh = useRefresh();
  const { download } = useReport();

  return async (approved: WorkItem, amendment: Task | undefined): Promise<void> => {
    const person = session.person?.subject;
    for (let tries = 0; tries < mostTries; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, between));
      if (session.state !== 'signed-in' || session.person?.subject !== person) return;
      const found = await workPage(fhir, { _id: approved.task.id }, { size: 1 }).catch(() => undefined);
      const item = found?.items[0];
      // An amended report is released already: its new version is there when another document is.
      if (item?.status !== 'REPORT_READY') continue;
      if (amendment && item.document?.id === approved.document?.id) continue;
      void refresh();
      toasts.show({
        kind: 'success',
        text: t('toast.released', { scan: item.scanId }),
        action: { label: t('action.pdf'), run: () => void download(item) },
      });
      return;
    }
  };
}
