/** The house's own signature: binds a statement to a key that only this installation holds. */
export interface Signer {
  /** @returns the statement, signed, in JWS compact form (RFC 7515 7.1). */
  sign(statement: string): Promise<string>;
  /** The statement in it, if one of this installation's keys signed it; undefined for anything else. */
  opened(jws: string): Promise<string | undefined>;
}
