/** Kinds of acquisition that lists are narrowed to (PS3.3 C.7.3.1.1.1); the codes are their names everywhere. */
export const modalities = ['CR', 'DX', 'CT', 'MR', 'US', 'MG', 'XA', 'RF', 'NM', 'PT', 'XC', 'OT'] as const;
