/** What a closed page says: on a locked screen anybody reads it, so it is the same for everything and names nothing. */
const words: Record<string, string> = {
  en: 'There is news in CSSS.',
  ta: 'CSSS-இல் புதிய செய்தி உள்ளது.',
  hi: 'CSSS में नई सूचना है।',
};

/** @param language BCP 47 of the account. @returns JSON for the service worker. */
export function pushMessage(language: string | undefined): string {
  const [own = 'en'] = (language ?? 'en').split('-');
  const known = new Map(Object.entries(words));
  return JSON.stringify({ title: 'CSSS', body: known.get(own.toLowerCase()) ?? words['en'] });
}
