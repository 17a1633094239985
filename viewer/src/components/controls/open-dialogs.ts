import { computed, ref } from 'vue';

const count = ref(0);

/** A list must not take the row away that a dialog belongs to, nor the refusal that somebody is reading in it. */
export const anyDialogOpen = computed(() => count.value > 0);

export function countDialog(change: 1 | -1): void {
  count.value += change;
}
