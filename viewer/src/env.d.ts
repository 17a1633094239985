/// <reference types="vite/client" />

declare module '*.vue' {
  import type { DefineComponent } from 'vue';
  const component: DefineComponent<object, object, unknown>;
  export default component;
}

/** Sections of one language and group: `words-by-group.ts` makes them. */
declare module 'virtual:words/*' {
  import type { Messages } from './locales/messages.ts';
  const sections: Partial<Messages>;
  export default sections;
}
