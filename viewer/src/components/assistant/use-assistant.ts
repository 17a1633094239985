/** What was asked and answered in this window: in memory only, and gone with the person. */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { AssistantAnswer } from '../../api/assistant.ts';
import { useSession } from '../../smart/session.ts';

export interface Spoken {
  key: number;
  at: Date;
  /** What the person wrote. */
  question?: string;
  answer?: AssistantAnswer;
  /** Why there is no answer. */
  failure?: string;
}

/** A window that stays open for weeks keeps no more. */
const most = 200;

export const useAssistant = defineStore('assistant', () => {
  const open = ref(false);
  const spoken = ref<Spoken[]>([]);
  /** What is being typed outlives a page, as the conversation does. */
  const draft = ref('');
  let last = 0;
  /** Rises when all is forgotten: an answer that comes later belongs to nobody. */
  let chapter = 0;

  function say(what: Omit<Spoken, 'key' | 'at'>): void {
    spoken.value = [...spoken.value, { key: ++last, at: new Date(), ...what }].slice(-most);
  }

  function clear(): void {
    chapter++;
    spoken.value = [];
  }

  function forget(): void {
    clear();
    draft.value = '';
    open.value = false;
  }

  useSession().onSignOut(forget);
  return { open, spoken, draft, say, clear, chapter: () => chapter };
});
