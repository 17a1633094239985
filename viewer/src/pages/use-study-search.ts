/** What the list of studies is asked: what names nobody in the address, the rest in the history entry (`work-address.ts` says why). */
import { refDebounced } from '@vueuse/core';
import { computed, ref, watch } from 'vue';
import { useRoute, useRouter, type LocationQuery } from 'vue-router';
import type { StudySearch } from '../api/studies.ts';

const inEntry = ['PatientName', 'PatientID', 'AccessionNumber', 'StudyDescription'] as const;
const inAddress = ['ModalitiesInStudy', 'from', 'to'] as const;

interface Asked {
  search: StudySearch;
  sort: string;
  page: number;
}

const one = (value: LocationQuery[string] | undefined): string => (typeof value === 'string' ? value : '');

function read(query: LocationQuery): Asked {
  const kept = ((history.state as Record<string, unknown> | null)?.studies ?? {}) as Record<string, unknown>;
  const typed = Object.fromEntries(
    inEntry.map((name) => [name, typeof kept[name] === 'string' ? kept[name] : '']),
  ) as Pick<StudySearch, (typeof inEntry)[number]>;
  return {
    search: { ...typed, ModalitiesInStudy: one(query.modality), from: one(query.from), to: one(query.to) },
    sort: one(query.sort),
    page: Math.max(1, Math.trunc(Number(one(query.page)) || 1)),
  };
}

export function useStudySearch() {
  const route = useRoute();
  const router = useRouter();
  const { path } = route;
  const asked = ref(read(route.query));
  const search = computed(() => asked.value.search);
  /** Typed text is asked for when the hand rests. */
  const wanted = refDebounced(search, 300);
  const sort = computed(() => asked.value.sort);
  const page = computed(() => asked.value.page);
  const isNarrowed = computed(() => [...inEntry, ...inAddress].some((name) => search.value[name] !== ''));

  function go(next: Asked, how: 'push' | 'replace'): void {
    asked.value = next;
    const { ModalitiesInStudy: modality, from, to } = next.search;
    const query = {
      ...(modality !== '' && { modality }),
      ...(from !== '' && { from }),
      ...(to !== '' && { to }),
      ...(next.sort !== '' && { sort: next.sort }),
      ...(next.page > 1 && { page: String(next.page) }),
    };
    const studies = Object.fromEntries(inEntry.map((name) => [name, next.search[name]]));
    void router[how]({ path, query, state: { studies }, force: true });
  }
  watch(
    () => route.fullPath,
    () => {
      if (route.path !== path) return;
      const now = read(route.query);
      if (JSON.stringify(now) !== JSON.stringify(asked.value)) asked.value = now;
    },
  );

  const set = (part: Partial<StudySearch>) =>
    go({ ...asked.value, search: { ...search.value, ...part }, page: 1 }, 'replace');
  /** Up, down, and newest first, which is the list by itself. */
  function sortBy(by: string): void {
    const next = sort.value === by ? `-${by}` : sort.value === `-${by}` ? '' : by;
    go({ ...asked.value, sort: next, page: 1 }, 'replace');
  }
  const turn = (by: 1 | -1) => go({ ...asked.value, page: page.value + by }, 'push');
  const clear = () =>
    set({ PatientName: '', PatientID: '', AccessionNumber: '', StudyDescription: '', ModalitiesInStudy: '', from: '', to: '' }); // prettier-ignore
  return { search, wanted, sort, page, isNarrowed, set, sortBy, turn, clear };
}
