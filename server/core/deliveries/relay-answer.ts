import { Problem } from '../problem.ts';

/** What a relay said, or what kept it from saying anything. All but `words` are codes, without any person's data. */
export interface RelayAnswer {
  /** Where it went wrong when nobody answered, in the mail library's word (`EAUTH`, `ETIMEDOUT`). */
  code?: string;
  /** RFC 5321 4.2: `550`. */
  reply?: number;
  /** RFC 3463, where the relay gives one: `5.1.1`. */
  status?: string;
  /** What was answered. */
  step: 'connection' | 'sign-in' | 'sender' | 'recipient' | 'message';
  /** The relay's own words, which may hold an address: for an administrator who tests, and nobody else. */
  words?: string;
}

/** Whom an answer is about, which decides what follows (`retry-policy.ts`). */
export type Refusal = 'relay' | 'mailbox' | 'later' | 'address' | 'message';

/** Codes for the table and the page: `EAUTH 535 5.7.8`. */
export function codesOf({ code, reply, status }: RelayAnswer): string {
  return [code, reply, status].filter((part) => part !== undefined).join(' ') || 'failed';
}

/**
 * Whether an answer is about us and the relay, this mailbox at present, this address for good, or this message. The
 * enhanced code says it where there is one (RFC 3463: second part 1 address, 2 mailbox, 3 mail system, 4 network, 7
 * policy); else the reply by the command that it answers. When in doubt it is about the relay: that is never final.
 */
export function refusalBy(answer: RelayAnswer): Refusal {
  const { reply = 0, status, step } = answer;
  const [, subject, detail] = /^[245]\.(\d{1,3})\.(\d{1,3})$/.exec(status ?? '')?.map(Number) ?? [];
  const is = (first: number, ...seconds: number[]) =>
    subject === first && (seconds.length === 0 || seconds.includes(detail!));
  if (step === 'connection' || step === 'sign-in' || reply === 421 || reply === 530 || is(3, 1, 2)) return 'relay';
  const tooLarge = is(3, 4) || is(2, 3) || (step === 'message' && reply === 0);
  if (tooLarge) return 'message';
  if (step === 'sender' || is(1, 7, 8)) return 'relay';
  if (is(2, 2) || (status === undefined && (reply === 452 || reply === 552))) return 'mailbox';
  if (reply < 500) return reply === 0 || is(3) ? 'relay' : 'later';
  if (is(1) || is(2, 1)) return 'address';
  if (step === 'message') return 'message';
  if (is(4)) return 'later';
  return status === undefined && [550, 551, 553].includes(reply) ? 'address' : 'relay';
}

/** What a mailer threw, as an answer; undefined if it is no refusal but a fault of ours. */
export function answerIn(error: unknown): { answer: RelayAnswer; refusal: Refusal } | undefined {
  if (!(error instanceof Problem)) return undefined;
  if (isAnswer(error.cause)) return { answer: error.cause, refusal: refusalBy(error.cause) };
  const refusal = plain[error.code];
  return refusal && { answer: { code: error.code, step: 'message' }, refusal };
}

/** Problems of mailers that know no more. */
const plain: Partial<Record<string, Refusal>> = { transient: 'relay', value: 'address', 'business-rule': 'message' };

function isAnswer(cause: unknown): cause is RelayAnswer {
  return typeof cause === 'object' && cause !== null && !(cause instanceof Error) && 'step' in cause;
}

/** Words of a relay as they may be shown: one line, without addresses and secrets, and short. */
export function cleanWords(words: string): string {
  return words
    .slice(0, 2_000)
    .replace(/[^\x20-\x7e]/g, ' ')
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => (word.includes('@') ? `(address)${word.endsWith(':') ? ':' : ''}` : word))
    .map((word) => (/[A-Za-z0-9+/=_-]{24}/.test(word) ? '(...)' : word))
    .join(' ')
    .slice(0, 200);
}
