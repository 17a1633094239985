import type { RelayAnswer } from './relay-answer.ts';

/** Hands mail to a relay. */
export interface Mailer {
  /**
   * Resolves when the relay took the message for its one recipient, with its answer if there is one.
   * @throws Problem `value` (no plain address), `transient` (another try may help), `business-rule` (refused for good);
   * the cause is a `RelayAnswer`.
   */
  send(mail: OutgoingMail): Promise<RelayAnswer | void>;
}

export interface OutgoingMail {
  /** Stable over repeated tries, so that receivers can drop a second copy (RFC 5322 3.6.4): `<left@right>`. */
  messageId: string;
  to: string;
  subject: string;
  text: string;
  attachments: { name: string; contentType: string; bytes: Uint8Array }[];
}
