/** A dashboard's list: a page of reviews that follows what others do, and forward paging by the server's links. */
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/vue-query';
import { computed, ref, shallowRef, toValue, watch, type MaybeRefOrGetter } from 'vue';
import { useConnection } from '../api/connection.ts';
import type { SearchParameters } from '../api/fhir.ts';
import { workPage, type WorkPage } from '../api/review/work-list.ts';
import { anyDialogOpen } from '../components/controls/open-dialogs.ts';

/** What a row shows; each act on a review changes a Task of it. */
const shownInRows = ['Task', 'DiagnosticReport', 'Observation', 'ImagingStudy', 'Patient'];
const pageSize = 20;

export function useWorkList(queue: MaybeRefOrGetter<SearchParameters>) {
  const { fhir } = useConnection();
  const link = ref<string>();
  watch(
    () => JSON.stringify(toValue(queue)),
    () => (link.value = undefined),
  );
  const query = useQuery({
    queryKey: ['work-list', computed(() => toValue(queue)), link],
    queryFn: ({ signal }) => workPage(fhir, toValue(queue), { size: pageSize, link: link.value }, signal),
    meta: { live: shownInRows },
    placeholderData: keepPreviousData,
  });
  /** While a dialog is open the list stands still: what it is about may leave the queue meanwhile. */
  const shown = shallowRef<WorkPage>();
  watch(
    [query.data, anyDialogOpen],
    ([page, isOpen]) => {
      if (!isOpen) shown.value = page;
    },
    { immediate: true },
  );
  return {
    ...query,
    data: shown,
    onFirstPage: computed(() => link.value === undefined),
    next: () => (link.value = query.data.value?.next),
    first: () => (link.value = undefined),
  };
}

/** How many Tasks match each of several searches. */
export function useCounts<Name extends string>(searches: MaybeRefOrGetter<Record<Name, SearchParameters>>) {
  const { fhir } = useConnection();
  return useQuery({
    queryKey: ['work-counts', computed(() => toValue(searches))],
    queryFn: async ({ signal }) => {
      const named = Object.entries<SearchParameters>(toValue(searches));
      const counted = await Promise.all(
        named.map(
          async ([name, { _sort: _order, ...search }]) => [name, await fhir.count('Task', search, signal)] as const,
        ),
      );
      return Object.fromEntries(counted) as Record<Name, number>;
    },
    meta: { live: ['Task'] },
  });
}

/** After an act: what it may have changed is asked again at once; lists, counts and the open study unless said otherwise. */
export function useRefresh(
  keys: readonly string[] = ['work', 'work-list', 'work-counts', 'dialog-step', 'review', 'imaging-study'],
): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    await Promise.all(keys.map((key) => queries.invalidateQueries({ queryKey: [key] })));
  };
}
