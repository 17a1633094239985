/**
 * How long a password would stand against guessing, by zxcvbn. Its word lists are large: they are loaded when somebody
 * chooses a password, and nowhere else. What is typed stays in the browser.
 */
export interface Strength {
  /** 0: guessed at once; 4: good. */
  score: 0 | 1 | 2 | 3 | 4;
  /** What makes it weak and what would help, in sentences. */
  advice: string[];
}

export type Meter = (password: string, personal: readonly string[]) => Strength;

let loaded: Promise<Meter> | undefined;

export function loadMeter(): Promise<Meter> {
  loaded ??= load().catch((thrown: unknown) => {
    loaded = undefined;
    throw thrown;
  });
  return loaded;
}

async function load(): Promise<Meter> {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  const zxcvbn = new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
  });
  return (password, personal) => {
    // Its time grows with the length; nothing beyond a hundred characters makes a password weaker.
    const { score, feedback } = zxcvbn.check(password.slice(0, 100), [...personal]);
    return { score, advice: [feedback.warning, ...feedback.suggestions].filter((text) => !!text) as string[] };
  };
}
