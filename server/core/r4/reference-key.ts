/** Where a reference points: a record of this server, or with `type` '' whatever URL or URN it is. */
export interface ReferenceKey {
  type: string;
  id: string;
}

const relative = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** Reads `Type/id`, `Type/id/_history/v` and the same behind the own base URL (FHIR references.html#literal). */
export function referenceKey(reference: string, baseUrl: string): ReferenceKey {
  const own = baseUrl !== '' && reference.startsWith(`${baseUrl}/`) ? reference.slice(baseUrl.length + 1) : reference;
  const [, type, id] = relative.exec(own) ?? [];
  return type !== undefined && id !== undefined ? { type, id } : { type: '', id: reference };
}
