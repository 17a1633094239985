const most = 30;
const windowMs = 60_000;
/** Accounts that are kept in mind at a time; the one that asked longest ago is forgotten first. */
const accounts = 10_000;

/** How many questions one account may ask: enough for a person, too few for a program that keeps the server busy. */
export class QuestionPace {
  readonly #asked = new Map<string, number[]>();

  /** @returns seconds to wait, 0 if the question is counted and may be answered. */
  take(account: string, now: Date): number {
    const at = now.getTime();
    const recent = (this.#asked.get(account) ?? []).filter((time) => at - time < windowMs);
    const [first] = recent;
    if (first !== undefined && recent.length >= most) return Math.ceil((first + windowMs - at) / 1000);
    this.#asked.delete(account); // so that the order is that of the last questions
    this.#asked.set(account, [...recent, at]);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > accounts && oldest !== undefined) this.#asked.delete(oldest);
    return 0;
  }
}
