import { everydayWords } from './keywords/everyday-words.ts';
import { keywords as en, redFlags as enFlags } from './keywords/en.ts';
import { keywords as hi, redFlags as hiFlags } from './keywords/hi.ts';
import { keywords as ta, redFlags as taFlags } from './keywords/ta.ts';
import { dangerFinder, type Danger } from './red-flags.ts';
import { stands, Vocabulary, type Term } from './term.ts';
import { wordsOf } from './text-words.ts';
import { topicNames, type Keywords, type TopicName } from './topics.ts';

const vocabulary = new Vocabulary(wordsOf(everydayWords));
// All languages at once: people mix them, and type one in the letters of another.
const weighed = topicNames.map((topic) => ({ topic, terms: [en, ta, hi].flatMap((table) => termsOf(table, topic)) }));
const danger = dangerFinder(vocabulary, [enFlags, taFlags, hiFlags]);

function termsOf(table: Keywords, topic: TopicName): { term: Term; weight: number }[] {
  return Object.entries(table[topic] ?? {}).flatMap(([weight, words]) =>
    words.split(/\s+/).map((written) => ({ term: vocabulary.term(written), weight: Number(weight) })),
  );
}

export interface Sorted {
  topic: TopicName;
  /** Said before anything else, whatever the topic. */
  danger?: Danger;
}

/** What a question is about: the topic whose words weigh most in it, `fallback` if it has none of them. */
export function sortQuestion(text: string): Sorted {
  const found = vocabulary.placesIn(wordsOf(text));
  const told = danger(found);
  let best: { topic: TopicName; weight: number } = { topic: 'fallback', weight: 0 };
  for (const { topic, terms } of weighed) {
    const weight = terms.reduce((sum, { term, weight: own }) => sum + (stands(term, found) ? own : 0), 0);
    if (weight > best.weight) best = { topic, weight };
  }
  return { topic: best.topic, ...(told && { danger: told }) };
}
