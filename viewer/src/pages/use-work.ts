/** A work list: what is asked for (kept in the address), the page of rows that answers it, and true counts. */
import { keepPreviousData, useQuery } from '@tanstack/vue-query';
import { refDebounced } from '@vueuse/core';
import { computed, nextTick, ref, watch } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { useConnection } from '../api/connection.ts';
import type { WorkFilter, WorkQuery, WorkQueue, WorkRow } from '../api/work.ts';
import { useDialogs } from '../components/dialogs/use-dialogs.ts';
import { useWorkPlace } from './use-work-place.ts';
import { addressQuery, entryOf, readAddress, type WorkAddress, type WorkView } from './work-address.ts';

export const workPageSize = 20;
/** What changes rows and counts. */
const live = [
  'Task',
  'Observation',
  'DiagnosticReport',
  'ImagingStudy',
  'Patient',
  'MedicationRequest',
  'ServiceRequest',
];

export interface WorkOptions {
  /** By which saved views know the list. */
  page: string;
  /** Tab -> queue, the first is open at first. */
  tabs: Readonly<Record<string, WorkQueue>>;
  /** Counts beside those of the tabs. */
  cards?: readonly string[];
}

export type Work = ReturnType<typeof useWork>;

export function useWork({ page, tabs, cards = [] }: WorkOptions) {
  const { work } = useConnection();
  const queueOf = new Map(Object.entries(tabs));
  const names = [...queueOf.keys()];
  const { address, view, typed, type, change, openTab, apply, turn } = useAddress(names);

  const filter = computed((): WorkFilter => ({
    text: view.value.text.trim() || undefined,
    status: view.value.status || undefined,
    modality: view.value.modality || undefined,
    finding: view.value.finding || undefined,
    priority: view.value.priority || undefined,
    from: view.value.from || undefined,
    to: view.value.to || undefined,
    mine: view.value.mine ? 'true' : undefined,
  }));
  const narrowed = computed(() => Object.values(filter.value).some((value) => value !== undefined));
  const query = computed((): WorkQuery => ({
    queue: queueOf.get(view.value.tab) ?? 'all',
    ...filter.value,
    sort: view.value.sort || undefined,
    after: address.value.trail.at(-1),
    limit: workPageSize,
  }));
  const list = useQuery({
    queryKey: ['work', 'list', query],
    queryFn: ({ signal }) => work.list(query.value, signal),
    placeholderData: keepPreviousData,
    meta: { live },
  });

  const queues = [...new Set(queueOf.values())];
  const figures = useQuery({
    queryKey: ['work', 'counts', [...queues, ...cards]],
    queryFn: ({ signal }) => work.counts([...new Set([...queues, ...cards])], {}, signal),
    meta: { live },
  });
  /** In the tabs stands what a search finds in each. */
  const found = useQuery({
    queryKey: ['work', 'counts', queues, filter],
    queryFn: ({ signal }) => work.counts(queues, filter.value, signal),
    enabled: narrowed,
    placeholderData: keepPreviousData,
    meta: { live },
  });
  const counts = computed((): Readonly<Record<string, number>> | undefined => figures.data.value);
  const tabCounts = computed((): Record<string, number | undefined> => {
    const of = new Map(Object.entries((narrowed.value ? found.data.value : figures.data.value) ?? {}));
    return Object.fromEntries([...queueOf].map(([tab, queue]) => [tab, of.get(queue)]));
  });
  // Fewer rows than before: the page that was open may be past the end.
  watch(list.data, (answer) => {
    if (answer?.rows.length === 0 && answer.total > 0 && !list.isPlaceholderData.value) change({});
  });

  const { following } = useFollowing(
    () => list.data.value?.rows,
    () => list.isPlaceholderData.value,
  );
  return { page, tabs: names, address, view, typed, type, change, openTab, apply, turn, list, narrowed, counts, tabCounts, following }; // prettier-ignore
}

/** The address of this page, read and written. */
function useAddress(tabs: readonly string[]) {
  const route = useRoute();
  const router = useRouter();
  const { path } = route;
  const place = useWorkPlace();
  const entry = () => (history.state as Record<string, unknown> | null)?.work;
  const address = ref<WorkAddress>(readAddress(route.query, entry(), tabs));
  const view = computed(() => address.value.view);
  const typed = ref(view.value.text);
  const settled = refDebounced(typed, 250);
  remember();

  function remember(): void {
    place.leaveFrom({ path: router.resolve({ path, query: addressQuery(address.value, tabs) }).fullPath, state: entryOf(address.value) }); // prettier-ignore
  }
  function go(next: WorkAddress, how: 'push' | 'replace'): void {
    address.value = next;
    remember();
    const target = { path, query: addressQuery(next, tabs), state: entryOf(next), force: true };
    void (how === 'push' ? router.push(target) : router.replace(target));
  }
  // Back and forward.
  watch(
    () => route.fullPath,
    () => {
      if (route.path !== path) return;
      const read = readAddress(route.query, entry(), tabs);
      if (JSON.stringify(read) === JSON.stringify(address.value)) return;
      address.value = read;
      typed.value = read.view.text;
      remember();
    },
  );
  // At once, or a reload within the moment that a search waits would lose it.
  watch(typed, (text) => {
    const { view: now, trail } = address.value;
    history.replaceState({ ...history.state, ...entryOf({ view: { ...now, text }, trail }) }, '');
  });
  watch(settled, (text) => text !== view.value.text && text === typed.value && change({ text }));

  const type = (text: string) => (typed.value = text);
  const change = (part: Partial<WorkView>) => go({ view: { ...view.value, ...part }, trail: [] }, 'replace');
  /** What was looked for is looked for in the other tab, too; a status of the one may be none of the other. */
  const openTab = (tab: string) => go({ view: { ...view.value, tab, status: '', sort: '' }, trail: [] }, 'push');
  function apply(next: WorkView): void {
    typed.value = next.text;
    go({ view: next, trail: [] }, 'push');
  }
  /** To the next page by its mark, or back by one. */
  function turn(next?: string): void {
    const { trail } = address.value;
    go({ view: view.value, trail: next === undefined ? trail.slice(0, -1) : [...trail, next] }, 'push');
  }
  return { address, view, typed, type, change, openTab, apply, turn };
}

/** After an act: which row comes next, counted from where the one stood that is done. */
function useFollowing(rows: () => readonly WorkRow[] | undefined, isPast: () => boolean) {
  const dialogs = useDialogs();
  const place = useWorkPlace();
  /** As the list stood when the dialog was opened. */
  let before: string[] = [];
  const done = ref<string>();
  watch(
    () => dialogs.asked,
    () => {
      before = (rows() ?? []).map(({ review }) => review);
      done.value = undefined;
    },
  );
  watch(
    () => dialogs.done,
    async (act) => {
      await nextTick();
      done.value = act?.review;
    },
  );
  watch(
    () => [rows(), isPast()] as const,
    ([now, past]) => {
      if (now && !past) place.setRows(now);
    },
    { immediate: true },
  );
  /** undefined before any act; null where nothing waits any more. */
  const following = computed(() => {
    if (done.value === undefined) return undefined;
    const now = rows() ?? [];
    const at = before.indexOf(done.value);
    const order = [...before.slice(at + 1), ...before.slice(0, Math.max(at, 0))];
    const others = now.filter(({ review }) => review !== done.value);
    const inOrder = order.flatMap((review) => others.find((row) => row.review === review) ?? []);
    const added = others.filter(({ review }) => !order.includes(review));
    return { done: done.value, rows: [...inOrder, ...added], close: () => (done.value = undefined) };
  });
  return { following };
}
