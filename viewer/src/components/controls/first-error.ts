import { nextTick } from 'vue';

/** After a refused try: to the first field of the open dialog that is wrong, which may be out of sight. */
export async function showFirstError(): Promise<void> {
  await nextTick();
  const wrong = document.querySelector<HTMLElement>('[role="dialog"] [aria-invalid="true"]');
  const field = wrong instanceof HTMLFieldSetElement ? wrong.querySelector<HTMLElement>('input') : wrong;
  field?.focus();
}
