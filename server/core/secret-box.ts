/** Keeps what must not lie readable in the database: keys, secrets of authenticators, links in mails that wait. */
export interface SecretBox {
  /**
   * Encrypts under the newest key.
   *
   * @param about what the secret is and whose (`second-factor 0190...`): it opens for that only.
   */
  seal(text: string, about: string): string;
  /** @throws Problem `exception` if no key of ours opens it, or it was sealed about something else. */
  open(sealed: string, about: string): string;
  /** Whether one of our keys sealed or digested it, as its name says. */
  knows(sealed: string): boolean;
  /** Whether it was sealed with another key than the newest, so that a rotation is not finished. */
  isOld(sealed: string): boolean;
  /** A keyed digest (HMAC-SHA-256, base64url) that only holders of the key can make, preceded by the key's name: `name.digest`. */
  digest(text: string, purpose: string): string;
  /** Whether the digest was made of this text by one of our keys. */
  isDigest(digest: string, text: string, purpose: string): boolean;
}
