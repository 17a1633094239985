import { createHash } from 'node:crypto';

/**
 * A FHIR id that follows from what it names (UUID version 8, RFC 9562 5.8, from SHA-256): whoever makes the
 * same thing twice, after a crash or at the same moment on two machines, gets the same id and finds it there.
 */
export function derivedId(...names: readonly string[]): string {
  const bytes = createHash('sha256').update(names.join('\n')).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Whether an id has the form of those above. Clients cannot make records under one, so such a record is the server's. */
export function isDerivedId(id: string | undefined): boolean {
  return id !== undefined && /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id);
}
