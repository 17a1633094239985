import { own } from '../table.ts';

/** Why images are taken away: the titles of rejection notes (DICOM PS3.16 CID 7011; IHE RAD TF, Imaging Object Change Management). */
export const removalReasons = {
  '113001': 'Rejected for Quality Reasons',
  '113037': 'Rejected for Patient Safety Reasons',
  '113038': 'Incorrect Modality Worklist Entry',
  '113039': 'Data Retention Policy Expired',
} as const;

export type RemovalReason = keyof typeof removalReasons;

export function isRemovalReason(code: string | undefined): code is RemovalReason {
  return code !== undefined && own<string>(removalReasons, code) !== undefined;
}

/** Images whose time was over are not wrong: they may be stored again (RAD TF-3 4.66.4.4.3). */
export const isOver = (reason: RemovalReason): boolean => reason === '113039';

/** `113037 Rejected for Patient Safety Reasons`. */
export const reasonText = (reason: RemovalReason): string => `${reason} ${removalReasons[reason]}`;

/** All of them, for whoever named another. */
export const reasonTexts: string = (Object.keys(removalReasons) as RemovalReason[]).map(reasonText).join(', ');
