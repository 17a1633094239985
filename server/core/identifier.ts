/**
 * A new UUIDv7 (RFC 9562 5.7): time-ordered, so that new rows land at the end of an index instead of
 * all over it, and a FHIR id (`[A-Za-z0-9\-.]{1,64}`) as it stands.
 */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  // A version 4 UUID has its random bits where version 7 has them, and node draws those of many at once.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}
