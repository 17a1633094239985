/** Help in a window: questions are answered from a table, and neither kept, logged nor audited, since people type anything into it. */
import { z } from 'zod';
import { answerQuestion } from '../core/assistant/answer-question.ts';
import { QuestionPace } from '../core/assistant/question-pace.ts';
import { lengthOf } from '../core/assistant/text-words.ts';
import { categories } from '../core/assistant/topics.ts';
import { languages } from '../core/language.ts';
import { Problem } from '../core/problem.ts';
import type { World } from '../core/world.ts';
import { apiRoute, everyRole, type ApiRoute } from './api/api-route.ts';

export const longestQuestion = 1000;

const question = z.strictObject({
  text: z.string().describe(`1 to ${longestQuestion} characters`),
  language: z.enum(languages).describe('of the page'),
});

const answer = z.object({
  category: z.enum(categories),
  text: z.string(),
  language: z.enum(languages).describe('of the text: that of the question, where its letters tell it'),
  links: z.array(z.object({ to: z.string().describe('path of a page'), label: z.string() })),
  urgent: z.literal(true).optional().describe('the question tells of danger, the answer says what to do now'),
});

/** @param parts.phone of the site, as it is kept at this moment. */
export function assistantRoutes({ world, phone }: { world: World; phone: () => string | undefined }): ApiRoute[] {
  const pace = new QuestionPace();
  return [
    apiRoute({
      method: 'post',
      path: '/portal/assistant',
      summary: 'Ask how something works here',
      description:
        'Answered from a table of words, without a language model. Nothing of it is kept. Signs of danger are answered with what to do now, never with a diagnosis.',
      tag: 'Assistant',
      roles: everyRole,
      body: question,
      answer: { schema: answer },
      async handle({ principal, body }) {
        const { role, subject } = principal;
        if (!role) throw new Problem('forbidden', 'This is for people with a role here.');
        const text = body.text.trim();
        if (text === '' || lengthOf(text) > longestQuestion)
          throw new Problem('business-rule', `Ask in 1 to ${longestQuestion} characters.`, { expression: 'text' });
        const wait = pace.take(subject, world.now());
        if (wait > 0)
          throw new Problem('throttled', `Many questions in a minute. Try again in ${wait} seconds.`, {
            retryAfter: wait,
          });
        const telephone = phone();
        const site = { name: world.settings.organizationName, ...(telephone !== undefined && { phone: telephone }) };
        return answerQuestion({ text, language: body.language, role, site });
      },
    }),
  ];
}
