/**
 * How the window of a second sign-in gives its result to the page that opened it: over a channel that only pages of
 * this origin hear. What it gives is the address it came back to: a code, which is worth nothing without the secret
 * (PKCE, RFC 7636) that stayed in the page that asked.
 */
const channelName = 'csss.confirmation';

/** Marks the `state` of an authorization request whose answer belongs to another window. */
export const confirmationMark = 'confirmation';

interface Answer {
  kind: 'answer' | 'taken';
  state: string;
  address: string;
}

/** The request's own part of `state`, if this address ends a second sign-in. */
export function confirmationStateOf(address: string): string | undefined {
  const [state, mark] = (new URL(address).searchParams.get('state') ?? '').split(';');
  return mark === confirmationMark && state ? state : undefined;
}

/** Hears the answer to one request; tells the window that it may close. @returns what ends it. */
export function hearConfirmation(state: string, take: (address: string) => void): () => void {
  const channel = new BroadcastChannel(channelName);
  channel.onmessage = ({ data }: MessageEvent<Answer>) => {
    if (data.kind !== 'answer' || data.state !== state) return;
    channel.postMessage({ ...data, kind: 'taken' });
    channel.close();
    take(data.address);
  };
  return () => channel.close();
}

/** In the window: hands its address over. @returns whether a page took it; without one, there is nothing to close for. */
export function handConfirmationOver(state: string, address: string): Promise<boolean> {
  const channel = new BroadcastChannel(channelName);
  return new Promise((done) => {
    const end = (taken: boolean) => {
      channel.close();
      done(taken);
    };
    const limit = setTimeout(() => end(false), 5_000);
    channel.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data.kind !== 'taken' || data.state !== state) return;
      clearTimeout(limit);
      end(true);
    };
    channel.postMessage({ kind: 'answer', state, address } satisfies Answer);
  });
}
