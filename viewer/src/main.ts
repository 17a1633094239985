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
import { pageRouter } from './router.ts';
import { useSession } from './smart/session.ts';
import { scope, signIn } from './smart/sign-in.ts';
import { useStepUp } from './smart/step-up.ts';
import { hearFailures } from './unheard-failures.ts';

const app = createApp(App);
app.use(createPinia());
const words = translations();
app.use(words);
const look = useLook();

const toasts = useToasts();
hearFailures(app, (kind) => {
  const text = words.global.t(`failure.${kind}`);
  if (!toasts.shown.some((toast) => toast.text === text)) toasts.show({ kind: 'error', text });
});

const session = useSession();
const door = signIn(location.origin, scope);
session.connect(door);
const stepUp = useStepUp();
app.provide(connectionKey, connect({ ...door, confirmed: (wanted) => stepUp.ask(wanted) }, location.origin));

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
session.onSignOut(() => {
  queries.clear();
  useWorkPlace().forget();
});
const live = liveChannel(location.origin, door);
door.onChange((user) => user && live.renewed(user.access_token));
keepLive(queries, session, live);

const router = pageRouter(session);
app.use(router);
// Also when the first page could not be opened, so that there is somebody to say so.
void Promise.allSettled([router.isReady(), look.begin(words)]).then(() => {
  app.mount('#app');
  return router.isReady(); // what kept the first page shut is told
});
