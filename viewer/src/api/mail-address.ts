/** Whether a text may be an e-mail address: enough to catch a slip while it is typed; the server decides. */
export function mayBeAddress(text: string): boolean {
  return /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/.test(text.trim());
}
