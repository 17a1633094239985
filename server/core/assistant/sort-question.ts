import { redFlags as enFlags } from './danger/en.ts';
import { redFlags as hiFlags } from './danger/hi.ts';
import { redFlags as taFlags } from './danger/ta.ts';
import { everydayWords } from './keywords/everyday-words.ts';
import { keywords as en } from './keywords/en.ts';
import { keywords as hi } from './keywords/hi.ts';
import { keywords as ta } from './keywords/ta.ts';
import { dangerFinder, type Danger } from './red-flags.ts';
import { Vocabulary, whereStands, type Term } from './term.ts';
import { wordsOf } from './text-words.ts';
import { topicNames, topics, type Keywords, type TopicName } from './topics.ts';

const vocabulary = new Vocabulary(wordsOf(everydayWords));
// All languages at once: people mix them, and type one in the letters of another.
const weighed = topicNames.map((topic) => ({
  topic,
  category: topics[topic].category,
  terms: [en, ta, hi].flatMap((table) => termsOf(table, topic)),
}));
const danger = dangerFinder(vocabulary, [enFlags, taFlags, hiFlags]);

interface Weighed {
  term: Term;
  weight: number;
}

function termsOf(table: Keywords, topic: TopicName): Weighed[] {
  return Object.entries(table[topic] ?? {}).flatMap(([weight, words]) =>
    words
      .trim()
      .split(/\s+/)
      .map((written) => ({ term: vocabulary.term(written), weight: Number(weight) })),
  );
}

/** How much the other topics of its category help a topic. */
const beside = 0.25;
/** Less is a question word, or one of the words that stand in every question here. Who greets says no more. */
const least = 2;

export interface Sorted {
  topic: TopicName;
  /** Said before anything else, and instead of it. */
  danger?: Danger;
}

/** What a question is about: the topic whose words weigh most in it, `fallback` if it has none of them. */
export function sortQuestion(text: string): Sorted {
  const found = vocabulary.placesIn(wordsOf(text));
  const told = danger(found);
  if (told === 'emergency' || told === 'crisis') return { topic: 'conditions', danger: told };
  const met = weighed.map(({ topic, category, terms }) => {
    const standing = terms.flatMap(({ term, weight }) => {
      const words = whereStands(term, found);
      return words ? [{ words, weight }] : [];
    });
    return { topic, category, standing, own: sum(standing) };
  });
  let best: { topic: TopicName; weight: number } = {
    topic: told === 'asked' ? 'conditions' : 'fallback',
    weight: 0,
  };
  for (const { topic, category, own } of met) {
    const whole = sum(met.filter((other) => other.category === category).flatMap(({ standing }) => standing));
    const weight = own + (whole - own) * beside;
    if (own >= (category === 'greeting' ? 1 : least) && weight > best.weight) best = { topic, weight };
  }
  return { topic: best.topic };
}

/** Each word of a text counts once, in the heaviest term that it is part of: the languages have many words in common. */
function sum(standing: readonly { words: readonly number[]; weight: number }[]): number {
  const counted = new Set<number>();
  let total = 0;
  for (const { words, weight } of [...standing].sort((one, other) => other.weight - one.weight)) {
    if (words.every((word) => counted.has(word))) continue;
    for (const word of words) counted.add(word);
    total += weight;
  }
  return total;
}
