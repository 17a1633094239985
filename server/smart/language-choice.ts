import type Router from '@koa/router';
import { ourLanguage } from '../core/language.ts';
import { Problem } from '../core/problem.ts';
import type { Settings } from '../core/settings.ts';
import type { State } from '../http/state.ts';
import { languageCookie, speak } from '../http/words/page-language.ts';
import { showProblem } from './answer-problem.ts';
import { readFields } from './interactions/form.ts';
import { stepOf } from './pages/layout.ts';

const year = 365 * 24 * 60 * 60;

/**
 * The language of all pages of this face: settled before each of them, and chosen at the foot of a page. The choice is kept
 * on the device, where the web application finds it too; without script, and without an account.
 */
export function languageChoice(router: Router<State>, settings: Settings): void {
  router.use(async (ctx, next) => {
    speak(ctx, { site: settings.languages });
    await next();
  });
  router.post('/smart/language', async (ctx) => {
    try {
      const form = await readFields(ctx);
      const language = ourLanguage(form.get('language'));
      const step = form.get('step') ?? '';
      // Only to a page of ours: what the form says went through the browser.
      if (!language || stepOf(step) !== step)
        throw new Problem('value', 'There is no such language, or no such page. Go back and choose again.');
      const secure = settings.publicUrl.startsWith('https:') ? '; Secure' : '';
      ctx.append('Set-Cookie', `${languageCookie}=${language}; Path=/; Max-Age=${year}; SameSite=Lax${secure}`);
      ctx.status = 303;
      ctx.set('Cache-Control', 'no-store');
      ctx.redirect(step);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showProblem(ctx, error);
    }
  });
}
