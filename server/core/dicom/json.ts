/** DICOM JSON Model (PS3.18 Annex F). Keys are eight upper-case hex digits. */
export type DicomJson = { [tag: string]: DicomElement };

export interface DicomElement {
  vr: string;
  Value?: DicomValue[];
  BulkDataURI?: string;
  InlineBinary?: string;
}

export type DicomValue = string | number | null | PersonName | DicomJson;

export interface PersonName {
  Alphabetic?: string;
  Ideographic?: string;
  Phonetic?: string;
}
