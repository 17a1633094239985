import { Problem } from '../../core/problem.ts';

/** The parts of the server, each asked by a small real use of it. */

export interface PartState {
  up: boolean;
  /** For operators; public, so without secrets and health data. */
  line: string;
}

export interface Part {
  look(): PartState | Promise<PartState>;
  /** Milliseconds that it may take to answer (default 2000). */
  limitMs?: number;
}

export const up: PartState = { up: true, line: 'up' };

/** How long an answer that took a real use counts, in milliseconds: whoever asks more often costs nothing more. */
const keptMs = 1_000;

/**
 * Asks all parts at the same time. However many ask, each part is used once at a time and once a second: the address
 * is public. One that hangs is told so after its limit, and is not asked again before it has answered.
 */
export function lookAtParts(parts: Record<string, Part>): () => Promise<Record<string, PartState>> {
  const watched = Object.entries(parts).map(([name, part]) => [name, once(part)] as const);
  return async () => Object.fromEntries(await Promise.all(watched.map(async ([name, ask]) => [name, await ask()])));
}

function once({ look, limitMs = 2_000 }: Part): () => Promise<PartState> {
  let standing: { state: PartState; at: number } | undefined;
  let asking: Promise<PartState> | undefined;
  const ask = (): Promise<PartState> => {
    const answer = (async () => look())().catch((error: unknown): PartState => ({ up: false, line: reasonOf(error) }));
    void answer.then((state) => {
      standing = { state, at: performance.now() };
      asking = undefined;
    });
    return answer;
  };
  return async () => {
    if (standing && performance.now() - standing.at < keptMs) return standing.state;
    asking ??= ask();
    return withinLimit(asking, limitMs);
  };
}

async function withinLimit(answer: Promise<PartState>, limitMs: number): Promise<PartState> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<PartState>((done) => {
    timer = setTimeout(() => done({ up: false, line: `no answer in ${limitMs / 1000} s` }), limitMs);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** What the operating system says most often, in words; of anything else only the class, because this is public. */
function reasonOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (code === 'EMFILE' || code === 'ENFILE') return 'no file descriptors are left';
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full';
  return `does not work (${typeof code === 'string' ? code : String(name)})`;
}
