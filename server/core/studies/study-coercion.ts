import type { DicomJson } from '../dicom/json.ts';

/** What answers of a study show where its images name another person; `coercion.ts` makes one of a Patient. */
export interface Coercion {
  /**
   * Patient-level attributes as answers show them. One without a value takes what an instance has away and adds nothing where it
   * has none.
   */
  attributes: DicomJson;
  /** ISO time of the change. */
  at: string;
  /** Modifying System (0400,0563). */
  system: string;
  /** Source of Previous Values (0400,0564): who provided them, if somebody knows. */
  source?: string;
  /** COERCE: other words for the same person, as a merge gives. CORRECT: it was somebody else. */
  reason: 'COERCE' | 'CORRECT';
}

/** A coercion as it is kept: complete, and with what its item of Original Attributes Sequence says of it. */
export interface StoredCoercion extends Coercion {
  /** (0400,0562) to (0400,0565). */
  original: DicomJson;
}
