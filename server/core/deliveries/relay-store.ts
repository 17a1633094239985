/** How the relay is, for all processes. */
export interface RelayState {
  state: 'ok' | 'failing' | 'unused';
  /** Codes of its last refusal. */
  answer?: string;
  /** Since when it fails. */
  since?: Date;
}

export interface RelayStore {
  state(): Promise<RelayState>;
  /** Seconds for which nothing should be tried, because it has failed often in a row; 0 if it may. */
  pause(): Promise<number>;
  /** It took a message. @returns whether that ends an outage. */
  took(): Promise<boolean>;
  /** It refused us. @returns how often in a row. */
  failed(answer: string): Promise<number>;
  pauseFor(seconds: number): Promise<void>;
  /**
   * Whether administrators have to be told of this outage now: once for each, and not more than once an hour.
   *
   * @param afterSeconds how long it must have lasted.
   */
  mustTell(afterSeconds: number): Promise<boolean>;
}
