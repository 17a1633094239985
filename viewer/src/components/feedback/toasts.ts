/** Short messages about what just happened. Errors, and notices that ask for an act, stay until closed; others leave by themselves. */
import { defineStore } from 'pinia';
import { ref } from 'vue';

export interface Toast {
  key: number;
  kind: 'success' | 'error' | 'info' | 'notice';
  text: string;
  /** One thing to do at once, for example to open the PDF. */
  action?: { label: string; run: () => void };
}

export const useToasts = defineStore('toasts', () => {
  const shown = ref<Toast[]>([]);
  let last = 0;

  function show(toast: Omit<Toast, 'key'>): void {
    last += 1;
    shown.value = [...shown.value.slice(-3), { ...toast, key: last }];
  }
  function close(key: number): void {
    shown.value = shown.value.filter((toast) => toast.key !== key);
  }
  /** They are about what one person does: the next one does not read them. */
  function closeAll(): void {
    shown.value = [];
  }
  return { shown, show, close, closeAll };
});
