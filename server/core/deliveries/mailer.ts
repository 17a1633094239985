/** Hands mail to a relay. */
export interface Mailer {
  /**
   * Resolves when the relay took the message for its one recipient.
   * @throws Problem `value` (address refused), `transient` (relay not reachable or busy), `business-rule` (relay refuses for good).
   */
  send(mail: OutgoingMail): Promise<void>;
}

export interface OutgoingMail {
  /** Stable over repeated tries, so that receivers can drop a second copy (RFC 5322 3.6.4): `<left@right>`. */
  messageId: string;
  to: string;
  subject: string;
  text: string;
  attachments: { name: string; contentType: string; bytes: Uint8Array }[];
}
