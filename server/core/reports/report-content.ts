/** What a report says, as data: gathered once from the records, then only laid out. */
import type { RiskLevel } from './risk-level.ts';

/** A heading's rows; what is unknown is left out, never invented. */
export type Facts = readonly (readonly [label: string, value: string | undefined])[];

export interface ReportContent {
  /** Shown to whoever is to approve it: every page says that it is no report. */
  preview?: true;
  /** CSS-YYYY-NNNNN. */
  number: string;
  /** With the zone of the site, as text. */
  issuedAt: string;
  /** `logo`: a data URI. */
  organization: { name: string; details: string[]; logo?: string };
  patient: Facts;
  referral: Facts;
  scan: Facts;
  /** Short id of the scan for the footer: the accession number. */
  scanId: string;
  pictures: { title: string; caption: string; dataUri: string }[];
  ai: AiPart | undefined;
  /** Why there is no AI part, where there is none. */
  aiAbsent: string | undefined;
  version: Version;
  /** The reader's own word: it leads, whatever the AI says. */
  findings: Word & { risk: RiskLevel | undefined; confirmed: string | undefined };
  addenda: Addendum[];
  prescription: { items: { name: string; dosage: string | undefined }[]; noneNeeded: boolean; notes: string };
  signatures: Signature[];
}

export interface Version {
  /** 1 for the first. */
  number: number;
  /** The version that this one takes the place of. */
  replaces: { number: number; issuedAt: string | undefined } | undefined;
  /** What came after the first version, oldest first. */
  changes: { number: number; kind: string; at: string | undefined; by: string; reason: string | undefined }[];
}

export interface Word {
  conclusion: string | undefined;
  notes: string;
  /** How the conclusion relates to the AI result; undefined where that gave no class. */
  agreement: string | undefined;
  /** Why the reader differs. */
  disagreement: string | undefined;
}

/** Stands below the text that was signed before it, under a signature of its own. */
export interface Addendum extends Word {
  title: string;
  signature: Signature;
}

export interface AiPart {
  answer: string;
  /** `class`, `uncertain` or `unsupported`: how the answer is coloured, beside its words. */
  kind: 'class' | 'uncertain' | 'unsupported';
  /** Percent of the class with the highest probability. */
  confidence: string;
  threshold: string;
  refusal: string | undefined;
  /** The three highest, percent. */
  probabilities: { name: string; percent: number; share: string }[];
  model: string;
  digest: string;
  duration: string | undefined;
  /** The model's own notices: untrained, not validated, limits of a class. */
  notices: string[];
}

export interface Signature {
  role: string;
  name: string;
  detail: string | undefined;
  at: string | undefined;
  /** Of the content that was signed: first characters of its SHA-256. */
  digest: string | undefined;
  /** The AI does not sign. */
  isPerson: boolean;
}
