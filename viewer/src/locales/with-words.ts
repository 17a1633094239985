import { defineAsyncComponent, type Component } from 'vue';
import { useLook } from '../look.ts';
import type { Group } from './groups.ts';

/** A part of a common page that speaks with words of another group: it is shown when both are there. */
export function withWords<Part extends Component>(group: Group, load: () => Promise<{ default: Part }>) {
  return defineAsyncComponent(async () => {
    const [{ default: part }] = await Promise.all([load(), useLook().need(group)]);
    return part;
  });
}
