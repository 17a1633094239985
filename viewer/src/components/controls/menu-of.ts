import { h, type Component, type FunctionalComponent } from 'vue';

/** The surface of a `LazyButton` that is a menu with this list. @param width a class: what the list needs. */
export function menuOf(
  list: () => Promise<{ default: Component }>,
  width: string,
): () => Promise<{ default: Component }> {
  return async () => {
    const [{ default: surface }, { default: entries }] = await Promise.all([import('./menu-surface.vue'), list()]);
    const menu: FunctionalComponent = (_props, { attrs, slots }) =>
      h(surface as Component, { ...attrs, list: entries, width }, slots);
    menu.inheritAttrs = false;
    return { default: menu };
  };
}

/** How an entry looks. */
export const menuEntry =
  'flex w-full cursor-pointer items-center gap-3 rounded-md px-3 py-2 text-sm outline-none data-highlighted:bg-ink-700 data-highlighted:text-beam-soft';
