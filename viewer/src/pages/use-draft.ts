/**
 * Keeps what is typed into a form until it is sent: Back, reload, a crash and an ended session lose nothing of it. It lies
 * with the server, sealed, and nowhere in the browser.
 *
 *   const draft = useDraft(() => `verify:${props.step.id}`, { notes, chosen });   // in a dialog
 *   await draft.forget();                                                         // when it was sent
 *   <DraftNote :draft="draft" />                                                  // says that text came back, and can throw it away
 */
import { useEventListener } from '@vueuse/core';
import { computed, onScopeDispose, ref, toValue, watch, type MaybeRefOrGetter, type Ref } from 'vue';
import { useConnection } from '../api/connection.ts';
import { asFailure } from '../api/failure.ts';
import { useSession } from '../smart/session.ts';

/** What JSON can say. */
type Kept = string | number | boolean | null | undefined | object;

export interface DraftState {
  /** When what came back was typed; undefined if nothing came back. */
  restoredAt: Ref<Date | undefined>;
  /** What was typed last is kept. */
  isSaved: Ref<boolean>;
  /** It was sent: nothing is kept any more. */
  forget(): Promise<void>;
  /** Throws away what came back, and empties the form. */
  discard(): Promise<void>;
}

/** Milliseconds without a key until what was typed is kept. */
const rest = 800;
/** And after which it is kept though somebody types on. */
const longest = 5_000;

/**
 * @param key names form and subject by ids (`verify:0190...`): letters, digits and `. : _ -`.
 * @param fields the refs of the form that are text or choice of the person. No confirmation: what was confirmed once may
 *   have changed since.
 */
export function useDraft(key: MaybeRefOrGetter<string>, fields: Record<string, Ref<Kept>>): DraftState {
  const { drafts } = useConnection();
  const session = useSession();
  const name = toValue(key);
  const now = () =>
    JSON.stringify(Object.fromEntries(Object.entries(fields).map(([field, { value }]) => [field, value])));
  const empty = now();
  const restoredAt = ref<Date>();
  /** As the server has it; undefined: nothing. */
  const kept = ref<string>();
  const current = ref(empty);
  const isSaved = computed(() => current.value === (kept.value ?? empty));
  let ended = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let unsavedSince: number | undefined;
  let saving: Promise<void> = Promise.resolve();

  async function restore(): Promise<void> {
    const draft = await drafts.read(name).catch(() => undefined);
    if (!draft || ended) return;
    kept.value = JSON.stringify(draft.value);
    if (now() !== empty || typeof draft.value !== 'object' || draft.value === null) return; // somebody was faster at the keys
    fill(new Map(Object.entries(draft.value)));
    if (now() !== empty) restoredAt.value = new Date(draft.savedAt);
  }

  function fill(values: ReadonlyMap<string, unknown>): void {
    for (const [field, target] of Object.entries(fields)) {
      const value = values.get(field);
      // A form of an earlier release may have had another kind of field under this name.
      if (values.has(field) && typeof value === typeof target.value) target.value = value as Kept;
    }
  }

  /** One after the other, so that the last is the one that stays. */
  function save(leaving = false): void {
    clearTimeout(timer);
    unsavedSince = undefined;
    const typed = now();
    if (ended || typed === (kept.value ?? empty)) return;
    const work = async () => {
      if (ended || typed !== now()) return;
      if (typed === empty) await drafts.drop(name);
      else await drafts.save(name, JSON.parse(typed), leaving);
      kept.value = typed === empty ? undefined : typed;
    };
    saving = saving.then(work).catch((thrown: unknown) => {
      // Tried again at the next key, and when the person has signed in again.
      if (asFailure(thrown).kind === 'signed-out') session.expire();
    });
  }

  async function drop(): Promise<void> {
    ended = true;
    clearTimeout(timer);
    await saving;
    await drafts.drop(name).catch(() => undefined); // it goes by itself in a week
    kept.value = undefined;
    restoredAt.value = undefined;
  }

  watch(
    () => now(),
    (typed) => {
      current.value = typed;
      clearTimeout(timer);
      unsavedSince ??= Date.now();
      timer = setTimeout(() => save(), Math.max(0, Math.min(rest, unsavedSince + longest - Date.now())));
    },
  );
  watch(
    () => session.state,
    (state) => state === 'signed-in' && save(),
  );
  useEventListener(document, 'visibilitychange', () => document.visibilityState === 'hidden' && save(true));
  useEventListener(globalThis, 'pagehide', () => save(true));
  onScopeDispose(() => save());
  void restore();

  return {
    restoredAt,
    isSaved,
    forget: drop,
    async discard() {
      fill(new Map(Object.entries(JSON.parse(empty) as object)));
      await drop();
      ended = false;
    },
  };
}
