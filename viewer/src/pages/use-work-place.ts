/** The list that somebody came from: "To my work list" leads back to it as it was, and the study page knows what comes next. */
import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { WorkRow } from '../api/work.ts';
import type { WorkPlace } from './work-address.ts';

export const useWorkPlace = defineStore('work-place', () => {
  const place = shallowRef<WorkPlace>();
  /** The rows as they stood last, for what comes next. */
  const rows = shallowRef<readonly WorkRow[]>([]);
  const acted = shallowRef<ReadonlySet<string>>(new Set());

  function leaveFrom(from: WorkPlace): void {
    place.value = from;
  }
  /** The row that was opened, to find it again once. */
  let left: string | undefined;
  function leave(row: string): void {
    left = row;
  }
  function takeRow(): string | undefined {
    const row = left;
    left = undefined;
    return row;
  }
  function setRows(now: readonly WorkRow[]): void {
    rows.value = now;
    acted.value = new Set();
  }
  /** Something was done to this review: it is not what comes next, although the rows stand as they were. */
  function act(review: string): void {
    acted.value = new Set([...acted.value, review]);
  }
  /** For the next person. */
  function forget(): void {
    place.value = undefined;
    left = undefined;
    rows.value = [];
  }
  return { place, rows, acted, leaveFrom, leave, takeRow, setRows, act, forget };
});
