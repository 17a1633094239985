import type { Language } from '../language.ts';
import type { Role } from '../principal.ts';
import { en } from './answers/en.ts';
import { hi } from './answers/hi.ts';
import { ta } from './answers/ta.ts';
import type { AnswerWords } from './answers/answer-words.ts';
import { sortQuestion } from './sort-question.ts';
import { places, topics, type Category, type Place, type TopicName } from './topics.ts';

const words: Record<Language, AnswerWords> = { en, ta, hi };

export interface Question {
  text: string;
  /** Of the page; a text in the letters of Tamil or Hindi is answered in that language. */
  language: Language;
  role: Role;
  site: { name: string; phone?: string };
}

export interface Answer {
  category: Category;
  text: string;
  /** Of the text. */
  language: Language;
  links: { to: string; label: string }[];
  /** The text tells of danger; what is answered is what to do now. */
  urgent?: true;
}

/**
 * Answers by a table of words: no model, nothing is kept, nothing is sent on. Signs of danger are answered first and
 * with nothing else, since who has chest pain must not read about uploads; a diagnosis is never given.
 */
export function answerQuestion({ text, language, role, site }: Question): Answer {
  const { topic, danger } = sortQuestion(text);
  const spoken = languageOf(text) ?? language;
  const said = words[spoken];
  const fill = (sentence: string) =>
    sentence.replaceAll('{site}', () => site.name).replaceAll('{phone}', () => site.phone ?? '');
  if (danger) {
    const phone = site.phone === undefined ? '' : ` ${fill(said.dangerPhone)}`;
    return { category: 'medical', text: said.danger[danger] + phone, language: spoken, links: [], urgent: true };
  }
  const contact = site.phone === undefined ? said.contactNoPhone : said.contactPhone;
  const { category } = topics[topic];
  return {
    category,
    text: fill(topic === 'contact' ? contact : said.topics[topic]),
    language: spoken,
    links: linksFor(topic, role).map((place) => ({ to: places[place].to, label: said.places[place] })),
  };
}

function linksFor(topic: TopicName, role: Role): Place[] {
  const offered: readonly Place[] = topics[topic].links;
  return offered.filter((place) => (places[place].roles as readonly Role[]).includes(role));
}

function languageOf(text: string): Language | undefined {
  if (/\p{Script=Tamil}/u.test(text)) return 'ta';
  return /\p{Script=Devanagari}/u.test(text) ? 'hi' : undefined;
}
