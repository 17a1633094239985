/** Dark, light, or as the device: the tokens of `styles.css` follow `data-theme` of the root. */
export const themes = ['dark', 'light', 'system'] as const;
export type Theme = (typeof themes)[number];

/** Where nobody has chosen: images are read in the dark. */
export const usualTheme: Theme = 'dark';

export function ourTheme(word: string | undefined): Theme | undefined {
  return themes.find((theme) => theme === word);
}

let wanted: Theme = usualTheme;
const deviceIsLight = () => matchMedia('(prefers-color-scheme: light)');

/** Shows a look at once. `public/theme.js` has done the same before the first paint, from what this device remembers. */
export function applyTheme(theme: Theme): void {
  wanted = theme;
  const shown = theme === 'system' ? (deviceIsLight().matches ? 'light' : 'dark') : theme;
  const root = document.documentElement;
  root.dataset.theme = shown;
  document.querySelector('meta[name="color-scheme"]')?.setAttribute('content', shown);
  const ground = getComputedStyle(root).getPropertyValue('--color-ink-950').trim();
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', ground);
}

/** A device that changes its look at dusk takes the pages along. */
export function followDevice(): void {
  deviceIsLight().addEventListener('change', () => wanted === 'system' && applyTheme('system'));
}
