import type { AuditRow } from './audit-trail.ts';
import { networkOf } from '../network.ts';
import { Problem } from '../problem.ts';
import type { ReadsFrom } from '../world.ts';

/** Codes that refuse an access or an act (401, 403, 409, 412, 422); others say that the request was no good. */
const refusing: ReadonlySet<string> = new Set([
  'login', 'expired', 'reauthenticate', 'forbidden', 'conflict', 'duplicate', 'multiple-matches', 'lock-error', 'business-rule',
]); // prettier-ignore
/** Of nobody that is known: anybody can cause as many as they like. */
const ofStrangers: ReadonlySet<string> = new Set(['login', 'expired']);

const written = new WeakSet<Error>();

/** Whoever writes a row about a refusal nearer to its cause says so, and no face writes a second one. */
export function hasRow(error: unknown): void {
  if (error instanceof Error) written.add(error);
}

/** Rows of one network that are written down singly in a window; the rest is counted, and one row says how many. */
const singleRows = 5;
const windowMs = 10 * 60_000;
/** Networks that are told apart; what comes from more of them is counted together. */
const mostNetworks = 1_000;
const elsewhere = 'elsewhere';

interface Stranger {
  since: number;
  rows: number;
  more: number;
  address: string | undefined;
}

/** Writes down what the faces refuse. One for a process. */
export class RefusalLog {
  readonly #world: ReadsFrom<'audit'>;
  readonly #now: () => Date;
  readonly #strangers = new Map<string, Stranger>();

  constructor(world: ReadsFrom<'audit'>, now: () => Date) {
    this.#world = world;
    this.#now = now;
  }

  /** Leaves a row if it is a refusal that has none yet. */
  async note(error: unknown, row: Omit<AuditRow, 'outcome'>): Promise<void> {
    if (!(error instanceof Problem) || !refusing.has(error.code) || written.has(error)) return;
    hasRow(error);
    if (row.principal === undefined && ofStrangers.has(error.code) && !this.#counts(row.sourceAddress)) return;
    await this.#append({ ...row, outcome: 'refused', reason: error.code });
  }

  /** Sums up what was only counted: of windows that are over, or at the end of all. @returns how many rows. */
  async sumUp(all = false): Promise<number> {
    const over = [...this.#strangers].filter(([, { since }]) => all || this.#now().getTime() - since >= windowMs);
    let rows = 0;
    for (const [network, { more, address }] of over) {
      this.#strangers.delete(network);
      if (more === 0) continue;
      rows++;
      await this.#append({
        action: 'E', event: 'access:refused', outcome: 'refused', reason: 'login', principal: undefined, times: more,
        ...(address !== undefined && { sourceAddress: address }),
      }); // prettier-ignore
    }
    return rows;
  }

  #append(row: AuditRow): Promise<void> {
    return this.#world.read(({ audit }) => audit.append(row));
  }

  /** Whether it gets a row of its own. */
  #counts(address: string | undefined): boolean {
    const known = address === undefined ? elsewhere : networkOf(address, 32);
    const network = this.#strangers.has(known) || this.#strangers.size < mostNetworks ? known : elsewhere;
    const stranger = this.#strangers.get(network) ?? {
      since: this.#now().getTime(), rows: 0, more: 0, address: network === elsewhere ? undefined : address,
    }; // prettier-ignore
    this.#strangers.set(network, stranger);
    if (stranger.rows < singleRows) stranger.rows++;
    else stranger.more++;
    return stranger.more === 0;
  }
}
