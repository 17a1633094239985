import { computed, ref } from 'vue';

const count = ref(0);

/** A list must not take the row away that a dialog belongs to, nor the refusal that somebody is reading in it. */
export const anyDialogOpen = computed(() => count.value > 0);

let opener: HTMLElement | undefined;

/** A menu closes as its dialog opens: the entry that had the focus is gone when the dialog closes, its button is not. */
export function opensFrom(button: HTMLElement | undefined): void {
  opener = button;
}

/** The button that the dialog which opens now came from, if it was a menu. */
export function takeOpener(): HTMLElement | undefined {
  const taken = opener;
  opener = undefined;
  return taken;
}

/** Where the focus goes when what a dialog was opened from is gone: what the page offers next, or the page itself. */
export function focusAfter(): HTMLElement | undefined {
  return (
    document.querySelector<HTMLElement>('[data-focus-next]') ??
    document.querySelector<HTMLElement>('#page') ??
    undefined
  );
}

export function countDialog(change: 1 | -1): void {
  count.value += change;
}
