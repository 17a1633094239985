/** Looks of our own pages. `system`: as the device, which may change at dusk. */
export const themes = ['dark', 'light', 'system'] as const;
export type Theme = (typeof themes)[number];
