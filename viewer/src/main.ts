import '@fontsource/noto-sans/400.css';
import '@fontsource/noto-sans/500.css';
import '@fontsource/noto-sans/600.css';
import '@fontsource/noto-sans-tamil/400.css';
import '@fontsource/noto-sans-tamil/500.css';
import '@fontsource/noto-sans-tamil/600.css';
import './styles.css';
import { QueryCache, QueryClient, VueQueryPlugin } from '@tanstack/vue-query';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import { connect, connectionKey } from './api/connection.ts';
import { asFailure } from './api/failure.ts';
import { liveChannel } from './api/live.ts';
import App from './components/shell/app.vue';
import { useToasts } from './components/feedback/toasts.ts';
import { translations } from './locales/messages.ts';
import { useWorkPlace } from './pages/use-work-place.ts';
import { useLook } from './look.ts';
import { keepLive } from './pages/use-live.ts';
import { endPush, keepPush } from './pwa/push.ts';
import { shellWorker } from './pwa/shell-worker.ts';
import { pageRouter } from './router.ts';
import { useSession } from './smart/session.ts';
import { scope, signIn } from './smart/sign-in.ts';
import { openTabs } from './smart/tabs.ts';
import { useStepUp } from './smart/step-up.ts';
import { hearFailures } from './unheard-failures.ts';

const app = createApp(App);
app.use(createPinia());
const words = translations();
app.use(words);
const look = useLook();
const begun = look.begin(words);

const toasts = useToasts();
hearFailures(app, (kind) => {
  const text = words.global.t(`failure.${kind}`);
  if (!toasts.shown.some((toast) => toast.text === text)) toasts.show({ kind: 'error', text });
});

const session = useSession();
const tabs = openTabs();
const door = signIn(location.origin, scope, tabs);
session.connect(door);
const stepUp = useStepUp();
const connection = connect({ ...door, confirmed: (wanted) => stepUp.ask(wanted) }, location.origin);
app.provide(connectionKey, connection);

const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (thrown) => asFailure(thrown).kind === 'signed-out' && session.expire(),
  }),
  defaultOptions: {
    queries: {
      // Only what may pass by itself is tried again; a refusal is an answer.
      retry: (times, thrown) => times < 2 && ['offline', 'timeout', 'busy'].includes(asFailure(thrown).kind),
      staleTime: 2_000,
    },
  },
});
app.use(VueQueryPlugin, { queryClient: queries });
const worker = shellWorker((takeOver) =>
  toasts.show({
    kind: 'notice',
    text: words.global.t('offline.update'),
    action: { label: words.global.t('offline.load'), run: takeOver },
  }),
);
session.onSignOut(async () => {
  queries.clear();
  useWorkPlace().forget();
  toasts.closeAll();
  stepUp.settle(undefined);
  await Promise.all([endPush(connection.notices), worker?.wipe()]);
});
door.onEntered(() => void keepPush(connection.notices).catch(() => undefined));
const live = liveChannel(location.origin, door);
door.onChange((user) => user && live.renewed(user.access_token));
keepLive(queries, session, live);

const router = pageRouter(session);
app.use(router);
// Also when the first page could not be opened, so that there is somebody to say so.
const opened = router.isReady();
void Promise.allSettled([opened, begun]).then(() => {
  app.mount('#app');
  return opened; // what kept the first page shut is told
});
