/** What became of a step while a person had its dialog open: who was faster, and what they did. */
import type { Task } from '@medplum/fhirtypes';
import type { InjectionKey, Ref } from 'vue';
import { localReference } from '../../api/bundle.ts';
import { imageUpdateOf, isOver } from '../../api/review/work-item.ts';

export interface StepNews {
  /** `ended`: nobody may act on it any more; `claimed`: somebody else has begun; `images`: more came; `gone`: not to be seen any more. */
  what: 'ended' | 'claimed' | 'images' | 'gone';
  status: Task['status'] | undefined;
  by: string | undefined;
  /** The person at the screen, in another window. */
  mine: boolean;
  /** When, as FHIR instant. */
  at: string | undefined;
  /** Why, in the words of whoever did it. */
  why: string | undefined;
}

/** How an open dialog learns of it (`modal-dialog.vue` shows it on top). */
export const stepNewsKey: InjectionKey<Ref<StepNews | undefined>> = Symbol('step-news');
/** How the act of a dialog (`use-act.ts`) stands: while it is under way, what becomes of the step is no news. */
export const dialogActKey: InjectionKey<{ busy: Ref<boolean>; done: Ref<boolean> }> = Symbol('dialog-act');

/**
 * @param seen the step as the dialog was opened with
 * @param me `Practitioner/id` of the person at the screen: what they do themselves is no news
 */
export function newsOf(seen: Task, now: Task, me: string | undefined): StepNews | undefined {
  if (now.meta?.versionId === seen.meta?.versionId) return undefined;
  const mine = me !== undefined && localReference(now.owner) === me;
  const told = {
    status: now.status,
    mine,
    by: now.owner?.display,
    at: now.executionPeriod?.end ?? now.executionPeriod?.start ?? now.lastModified ?? now.meta?.lastUpdated,
    why: now.statusReason?.text ?? now.statusReason?.coding?.[0]?.display,
  };
  if (isOver(now)) return isOver(seen) ? undefined : { what: 'ended', ...told };
  if (now.status === 'in-progress' && !mine && localReference(now.owner) !== localReference(seen.owner))
    return { what: 'claimed', ...told };
  if (imageUpdateOf(now)?.reference !== imageUpdateOf(seen)?.reference) return { what: 'images', ...told };
  return undefined;
}
