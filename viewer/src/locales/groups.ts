/**
 * Sections by when they are fetched. What is not named here is `common`: for the shell, the dashboards and the image pages. `office`
 * is for the pages of administration and of one's own account, which most people open now and then; it is as large as all the rest.
 */
export const groups = ['common', 'office'] as const;
export type Group = (typeof groups)[number];

const office: ReadonlySet<string> = new Set(['account', 'audit', 'clients', 'deliveries', 'mailbox', 'models', 'setup', 'users']); // prettier-ignore

export function groupOf(section: string): Group {
  return office.has(section) ? 'office' : 'common';
}

/** `signed-in.json` holds the section `signedIn`. */
export function sectionOf(file: string): string {
  return file.slice(0, -'.json'.length).replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
}
