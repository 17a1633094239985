/** The kinds of examination that people tell apart, as DICOM says them: Modality (0008,0060) and Body Part Examined (0018,0015). */
export const examinations = {
  chestXray: { modality: 'DX', bodyPart: 'CHEST' },
  xray: { modality: 'DX', bodyPart: undefined },
  ct: { modality: 'CT', bodyPart: undefined },
  mri: { modality: 'MR', bodyPart: undefined },
  heartMri: { modality: 'MR', bodyPart: 'HEART' },
  other: { modality: 'OT', bodyPart: undefined },
} as const;

export type ExaminationKind = keyof typeof examinations;

export interface PictureFacts {
  kind: ExaminationKind | '';
  bodyPart: string;
  takenOn: string;
  note: string;
}

export const nothingSaid: PictureFacts = { kind: '', bodyPart: '', takenOn: '', note: '' };

/** As the server wants it; what was left open is left out. */
export function factsAsSent({ kind, bodyPart, takenOn, note }: PictureFacts): {
  modality?: string;
  bodyPart?: string;
  takenOn?: string;
  note?: string;
} {
  const examination = kind === '' ? undefined : examinations[kind];
  const part = examination?.bodyPart ?? (kind === 'other' ? '' : bodyPart);
  return {
    ...(examination && { modality: examination.modality }),
    ...(examination && part !== '' && { bodyPart: part }),
    ...(takenOn !== '' && { takenOn }),
    ...(note.trim() !== '' && { note: note.trim() }),
  };
}
