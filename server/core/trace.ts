/** Where a request came from, for its audit rows. */
export interface Trace {
  requestId?: string;
  /** Network address of the caller, as far as it can be trusted. */
  sourceAddress?: string;
}

/** Only that of something which says more than where it came from. */
export function traceOf({ requestId, sourceAddress }: { [Key in keyof Trace]: Trace[Key] | undefined }): Trace {
  return { ...(requestId !== undefined && { requestId }), ...(sourceAddress !== undefined && { sourceAddress }) };
}
