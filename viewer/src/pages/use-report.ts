/** The released PDF of a review: fetched with the user's token, saved under a name without patient data. */
import { reportNumberSystem } from '../api/review/codes.ts';
import { ref } from 'vue';
import { useConnection } from '../api/connection.ts';
import type { WorkItem } from '../api/review/work-item.ts';
import { saveFile } from '../api/save-file.ts';
import { useFailureText } from '../components/feedback/failure-text.ts';
import { useToasts } from '../components/feedback/toasts.ts';

export function hasReport(item: WorkItem): boolean {
  return item.status === 'REPORT_READY' && item.document?.content[0]?.attachment.url !== undefined;
}

export function useReport() {
  const { fhir } = useConnection();
  const toasts = useToasts();
  const failureText = useFailureText();
  const busy = ref<string>();

  async function download(item: WorkItem): Promise<void> {
    const url = item.document?.content[0]?.attachment.url;
    if (url === undefined || busy.value !== undefined) return;
    busy.value = item.task.id;
    try {
      saveFile(await fhir.binary(url, 'application/pdf'), `${reportNumber(item) ?? 'report'}.pdf`);
    } catch (thrown) {
      toasts.show({ kind: 'error', text: failureText(thrown) });
    } finally {
      busy.value = undefined;
    }
  }
  return { busy, download };
}

function reportNumber(item: WorkItem): string | undefined {
  const numbers = [...(item.document?.identifier ?? []), ...(item.report?.identifier ?? [])];
  return numbers.find((identifier) => identifier.system === reportNumberSystem)?.value?.replace(/[^A-Za-z0-9-]/g, '');
}
