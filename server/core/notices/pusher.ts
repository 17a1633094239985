/** Where a browser is reached (W3C Push API, PushSubscription). */
export interface PushTarget {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/** Hands encrypted messages to the push services of browsers (RFC 8030, 8291, 8292). */
export interface Pusher {
  /** With what browsers check that it is us (base64url); undefined where the site does not want this at all. */
  publicKey: string | undefined;
  /** @throws Problem `value` for an address that is never asked: no https, or inside our own network. */
  check(target: PushTarget): void;
  /**
   * @returns `gone` when nobody will ever be reached there again.
   * @throws Problem `transient`: try again.
   */
  send(target: PushTarget, message: string, options: { urgent: boolean }): Promise<'taken' | 'gone'>;
}
