import { nextTick } from 'vue';

/** After a refused try: to the first field of the open dialog (or of a page's form) that is wrong, which may be out of sight. */
export async function showFirstError(within = '[role="dialog"]'): Promise<void> {
  await nextTick();
  const wrong = document.querySelector<HTMLElement>(`${within} [aria-invalid="true"]`);
  const field = wrong instanceof HTMLFieldSetElement ? wrong.querySelector<HTMLElement>('input') : wrong;
  field?.focus();
}
