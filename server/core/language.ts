/** The languages in which our own pages speak to people. Names of people, and what people wrote, stay as they are. */
export const languages = ['en', 'ta', 'hi'] as const;
export type Language = (typeof languages)[number];

/** The language of ours that a BCP 47 tag asks for, such as `ta` for `ta-IN`; undefined for one that we do not speak. */
export function ourLanguage(tag: string | undefined | null): Language | undefined {
  const primary = tag?.trim().split(/[-_]/, 1)[0]?.toLowerCase();
  return languages.find((language) => language === primary);
}
