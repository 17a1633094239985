/**
 * Dialogs are opened by what they are about, never by a row: they live in the dialog host, outside of every list, so that
 * a list that moves, refreshes or empties takes nothing of them away.
 */
import type { Patient, Task } from '@medplum/fhirtypes';
import { defineStore } from 'pinia';
import { computed, markRaw, ref, shallowRef } from 'vue';
import type { IdentityCheck } from '../../api/review/identity.ts';
import type { WorkItem } from '../../api/review/work-item.ts';
import { useWorkPlace } from '../../pages/use-work-place.ts';
import type { BlockedLaunch } from '../launch/use-launch.ts';
import type { ReviewDialog } from './dialog-kinds.ts';

/** What a dialog about a review is opened with. */
export interface About {
  /** Id of the coordination Task. */
  review: string;
  /** What people call it, for words about it before it is loaded. */
  scan: string;
}

/** Dialogs that are about something else, with what they are given. */
export interface OtherDialogs {
  identity: { check: IdentityCheck };
  code: { patient: Patient };
  blocked: { blocked: BlockedLaunch };
  keys: Record<string, never>;
}
export type OtherDialog = keyof OtherDialogs;

export interface Asked {
  serial: number;
  kind: ReviewDialog;
  about: About;
  /** Where the focus was: an act that opens a dialog takes a moment. */
  from: HTMLElement | undefined;
}

/** An act that was done in a dialog, for the page that may offer the next one. */
export interface Done {
  serial: number;
  kind: ReviewDialog;
  review: string;
}

/** A released report, for the page that offers its PDF. */
export interface Approved {
  item: WorkItem;
  amendment: Task | undefined;
}

export const useDialogs = defineStore('dialogs', () => {
  const asked = shallowRef<Asked>();
  const other = shallowRef<{ serial: number; kind: OtherDialog; props: object; from: HTMLElement | undefined }>();
  const done = shallowRef<Done>();
  const opening = ref(false);
  let serial = 0;

  /** Loads the review by its id and opens the dialog when it is there. */
  function open(kind: ReviewDialog, about: About, from: HTMLElement | undefined): void {
    serial += 1;
    opening.value = true;
    asked.value = { serial, kind, about, from: from && markRaw(from) };
  }
  function show<Kind extends OtherDialog>(kind: Kind, props: OtherDialogs[Kind], from?: HTMLElement): void {
    serial += 1;
    other.value = { serial, kind, props, from: from && markRaw(from) };
  }
  /** The host says that what was asked for is open, or cannot be. */
  function opened(): void {
    opening.value = false;
  }
  function finished(kind: ReviewDialog, review: string): void {
    serial += 1;
    done.value = { serial, kind, review };
    useWorkPlace().act(review);
  }
  /** Which act of which review is on its way to the screen: its button is busy. */
  const awaited = computed(() =>
    opening.value && asked.value ? `${asked.value.kind}/${asked.value.about.review}` : undefined,
  );
  return { asked, other, done, awaited, open, show, opened, finished };
});
