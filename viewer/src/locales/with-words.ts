import { defineAsyncComponent, type Component } from 'vue';
import { useLook } from '../look.ts';

/** A part of a common page that speaks with words of the office: it is shown when both are there. */
export function withOfficeWords<Part extends Component>(load: () => Promise<{ default: Part }>) {
  return defineAsyncComponent(async () => {
    const [{ default: part }] = await Promise.all([load(), useLook().need('office')]);
    return part;
  });
}
