import type { Place, TopicName } from '../topics.ts';
import type { Danger } from '../red-flags.ts';

/** All that the assistant says in one language. `{site}` and `{phone}` are filled in. */
export interface AnswerWords {
  topics: Record<Exclude<TopicName, 'contact'>, string>;
  /** Labels of links. */
  places: Record<Place, string>;
  danger: Record<Danger, string>;
  /** Added where the site has said its telephone number. */
  dangerPhone: string;
  contactPhone: string;
  contactNoPhone: string;
}
