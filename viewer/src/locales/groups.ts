/**
 * Sections by when they are fetched. What is not named here is `common`: for the shell, the dashboards and the image pages.
 */
export const groups = ['common', 'office', 'acts', 'patient'] as const;
export type Group = (typeof groups)[number];

const sections: Record<Exclude<Group, 'common'>, readonly string[]> = {
  /** Pages of administration, of one's own account, and of help: opened now and then, and as large as all the rest. */
  office: ['account', 'audit', 'clients', 'deliveries', 'help', 'mailbox', 'medicationTable', 'models', 'remoteAes', 'setup', 'system', 'users'],
  /** What is opened over a page: the large dialogs. */
  acts: ['approve', 'release', 'upload', 'verify'],
  /** What patients read, and nobody else. */
  patient: ['myScans'],
}; // prettier-ignore

export function groupOf(section: string): Group {
  return groups.find((group) => group !== 'common' && sections[group].includes(section)) ?? 'common';
}

/** `signed-in.json` holds the section `signedIn`. */
export function sectionOf(file: string): string {
  return file.slice(0, -'.json'.length).replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
}
