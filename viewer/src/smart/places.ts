/**
 * The router writes down how far the pages of this tab were scrolled, by their addresses; those name studies and
 * patients' records by their ids, and what was searched for. They go with the person.
 */
const key = 'vue-router:scroll';
let forgetting = false;

/** Forgets them now, and what the router writes when this document ends. */
export function forgetPlaces(): void {
  sessionStorage.removeItem(key);
  if (forgetting) return;
  forgetting = true;
  // The router's own listener was there first, so this one has the last word.
  addEventListener('pagehide', () => sessionStorage.removeItem(key));
}
