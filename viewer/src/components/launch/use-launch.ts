/** Opening other apps with the patient and study that somebody is at (SMART App Launch 2.2, "EHR launch"). */
import { useQuery } from '@tanstack/vue-query';
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import type { LaunchableApp, LaunchContext } from '../../api/clients.ts';
import { useConnection } from '../../api/connection.ts';
import { takeOpener } from '../controls/open-dialogs.ts';
import { useDialogs } from '../dialogs/use-dialogs.ts';
import { useFailureText } from '../feedback/failure-text.ts';
import { useToasts } from '../feedback/toasts.ts';

/** The registered apps that can be opened from here; asked once a minute at most. */
export function useApps() {
  const { clients } = useConnection();
  const { data } = useQuery({
    queryKey: ['apps'],
    queryFn: ({ signal }) => clients.apps(signal),
    staleTime: 60_000,
  });
  return computed(() => data.value?.apps ?? []);
}

/** An app whose tab the browser did not open: a link that is clicked by hand always works. */
export interface BlockedLaunch {
  app: LaunchableApp;
  url: string;
}

export function useLaunch() {
  const { t } = useI18n();
  const { clients } = useConnection();
  const toasts = useToasts();
  const failureText = useFailureText();
  const dialogs = useDialogs();

  /** Must be called straight from the click: browsers open tabs for a click, not for an answer that comes later. */
  async function launch(app: LaunchableApp, context: LaunchContext): Promise<void> {
    // Where the focus goes back to; without a dialog, the next one does not belong to the menu.
    const from = takeOpener();
    const tab = globalThis.open('', '_blank');
    if (tab) {
      tab.opener = null; // the app is somebody else's page
      tab.document.title = app.name;
      tab.document.body.textContent = t('launch.opening', { app: app.name });
    }
    try {
      const { url } = await clients.launch(app.id, context);
      if (tab && !tab.closed) tab.location.replace(url);
      else return dialogs.show('blocked', { blocked: { app, url } }, from);
    } catch (thrown) {
      tab?.close();
      toasts.show({ kind: 'error', text: t('launch.failed', { app: app.name, reason: failureText(thrown) }) });
    }
  }

  return { launch };
}
