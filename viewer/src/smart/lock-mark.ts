/**
 * That this browser is locked, so that neither a reload nor a new tab opens what an idle page has covered: the next
 * sign-in asks for the person, whatever session stands at the server. A word without a name in it.
 */
const key = 'csss.locked';

export function isMarkedLocked(): boolean {
  try {
    return localStorage.getItem(key) !== null;
  } catch {
    return false; // storage is switched off: the page itself stays covered
  }
}

export function markLocked(locked: boolean): void {
  try {
    if (locked) localStorage.setItem(key, '1');
    else localStorage.removeItem(key);
  } catch {
    // As above.
  }
}
