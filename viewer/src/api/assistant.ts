/** The assistant (`/portal/assistant`): prepared answers, found by the words of a question. */
import type { Language } from '../locales/messages.ts';
import type { AuthorizedFetch } from './http.ts';
import { jsonCalls } from './json-calls.ts';

export const longestQuestion = 1000;

export type Category =
  | 'medical' | 'workflow' | 'ai' | 'auth' | 'scan' | 'result' | 'support' | 'admin' | 'greeting' | 'fallback'; // prettier-ignore

export interface AssistantAnswer {
  category: Category;
  text: string;
  /** Of the text, which is that of the question where its letters tell it. */
  language: Language;
  links: { to: string; label: string }[];
  urgent?: true;
}

export interface AssistantClient {
  ask(text: string, language: Language): Promise<AssistantAnswer>;
}

export function assistantClient(send: AuthorizedFetch, path: string): AssistantClient {
  const calls = jsonCalls(send, path);
  return { ask: (text, language) => calls.send('POST', '', { text, language }) };
}
