/** A list by keyboard: single keys, heard while the focus is in the list or nowhere, and never while somebody types. */
import { useEventListener } from '@vueuse/core';
import type { Ref } from 'vue';
import { useRouter } from 'vue-router';
import { useWorkPlace } from '../../pages/use-work-place.ts';
import { anyDialogOpen } from '../controls/open-dialogs.ts';
import { useDialogs } from '../dialogs/use-dialogs.ts';
import { singleKeys } from './single-keys.ts';

export function useListKeys(options: {
  section: Readonly<Ref<HTMLElement | null>>;
  turn: (forward: boolean) => void;
  choose: (review: string) => void;
}) {
  const { section, turn, choose } = options;
  const router = useRouter();
  const place = useWorkPlace();
  const dialogs = useDialogs();

  const rows = () => [...(section.value?.querySelectorAll<HTMLElement>('tr[data-row]') ?? [])];
  const rowAt = (target: EventTarget | null) =>
    target instanceof Element ? (target.closest<HTMLElement>('tr[data-row]') ?? undefined) : undefined;

  function step(from: HTMLElement | undefined, by: 1 | -1): void {
    const all = rows();
    const at = from ? all.indexOf(from) : by === 1 ? -1 : all.length;
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  }
  function openStudy(row: HTMLElement): void {
    const { study, row: review } = row.dataset;
    if (!study || !review) return;
    place.leave(review);
    void router.push(`/study/${study}`);
  }
  function onRow(key: string, row: HTMLElement, isRow: boolean): boolean {
    const due = row.querySelector<HTMLElement>('[data-cell="actions"] [data-testid]:not([data-testid="more"])');
    if (key === 'Enter' && isRow && due) due.click();
    else if (key === 'o') openStudy(row);
    else if (key === 'x') choose(row.dataset.row ?? '');
    else return false;
    return true;
  }
  function run(event: KeyboardEvent): boolean {
    const { key, target } = event;
    if (key === 'j' || key === 'k') step(rowAt(target), key === 'j' ? 1 : -1);
    else if (key === '/') section.value?.querySelector<HTMLElement>('input[type="search"]')?.focus();
    else if (key === 'n' || key === 'p') turn(key === 'n');
    else if (key === '?') dialogs.show('keys', {}, target instanceof HTMLElement ? target : undefined);
    else {
      const row = rowAt(target);
      return row !== undefined && onRow(key, row, target === row);
    }
    return true;
  }
  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || anyDialogOpen.value) return;
    if (!singleKeys.value && event.key !== 'Enter') return;
    if (event.target instanceof Element && event.target.closest('input, textarea, select, [contenteditable], [role="menu"]')) return; // prettier-ignore
    if (run(event)) event.preventDefault();
  }
  // With the focus nowhere, as after a page was opened.
  useEventListener(document, 'keydown', (event) => {
    const { target } = event;
    if (target === document.body || (target instanceof Element && target.id === 'page')) onKey(event);
  });
  return { onKey };
}
