/**
 * What somebody chose on this device before signing in: a language, a look. A cookie, because the server's own pages (sign-in,
 * consent) have to know it too; nothing in it is about a person.
 */
export type DeviceChoice = 'language' | 'theme';

const year = 365 * 24 * 60 * 60;

export function chosenOnDevice(what: DeviceChoice): string | undefined {
  return new RegExp(`(?:^|; )csss-${what}=([a-z]{2,10})(?:;|$)`).exec(document.cookie)?.[1];
}

export function keepOnDevice(what: DeviceChoice, value: string): void {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `csss-${what}=${value}; Path=/; Max-Age=${year}; SameSite=Lax${secure}`;
}
