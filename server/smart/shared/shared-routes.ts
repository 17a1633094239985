/**
 * What a patient shared, at `/shared/<word>`: server-rendered, for somebody without an account. The word alone shows a page that asks
 * for the code; the code gives this browser an hour. Each request asks anew whether the link still holds, and reads as the link.
 */
import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { tryCode, noteLook, pdfShownBy, shareWith, shownBy, type OpenShare, type Shown } from '../../core/patient/open-share.ts'; // prettier-ignore
import { Problem } from '../../core/problem.ts';
import type { World } from '../../core/world.ts';
import type { State } from '../../http/state.ts';
import { showProblem } from '../answer-problem.ts';
import { traceOfRequest, type Ctx } from '../account/account-step.ts';
import { callerLimit, type CallerLimit } from '../caller-limit.ts';
import { checkFormOrigin, formProof, readFields } from '../interactions/form.ts';
import { wordsOf } from '../../http/words/page-language.ts';
import { errorPage, showPage } from '../pages/layout.ts';
import { countImages, sendPicture, sendZip, placeIn, type StudyFiles } from './shared-images.ts';
import { codePage, gonePage, imagePage, overPage, sharedPage, slowPage, type SharedPage } from './shared-page.ts';
import { languageOf, speechIn, type Speech } from './shared-words.ts';

export interface SharedParts {
  world: World;
  cookieKey: string;
  /** Files of instances, as DICOMweb gives them. */
  studyFiles: StudyFiles;
  /** Gives each caller so many places at a time. */
  takePlace: Middleware<State>;
}

interface Visit {
  ctx: Ctx;
  t: Speech;
  word: string;
  open: OpenShare;
}

const cookie = 'csss_shared';
const sessionSeconds = 3600;
const purpose = 'shared session';

export function sharedRoutes(router: Router<State>, parts: SharedParts): void {
  // A link is opened by few people; whoever asks for many words, or types many codes, waits.
  const looks = callerLimit({ burst: 120, perSecond: 2 });
  const codes = callerLimit({ burst: 20, perSecond: 0.1 });
  router.get('/shared/:word', (ctx) => visit(parts, looks, ctx as Ctx, (found) => show(parts, found)));
  router.post('/shared/:word', (ctx) => visit(parts, codes, ctx as Ctx, (found) => takeCode(parts, found)));
  const inside = (path: string, work: (found: Visit, shown: Shown) => Promise<void>) =>
    router.get(`/shared/:word/${path}`, (ctx) =>
      visit(parts, looks, ctx as Ctx, async (found) => {
        if (!hasSession(parts, found)) return leadTo(found);
        const shown = await shownBy(parts.world, found.open);
        if (!shown) return answer(found.ctx, gonePage(found.t));
        found.ctx.state.principal = shown.principal;
        await parts.takePlace(found.ctx as unknown as Parameters<Middleware<State>>[0], () => work(found, shown));
      }),
    );
  inside('report', (found, shown) => sendReport(parts, found, shown));
  inside('images/:image', async ({ ctx, t, word }, shown) =>
    answer(ctx, imagePage(t, `/shared/${word}`, await placeIn(parts.world, shown, ctx))),
  );
  inside('pictures/:image/:frame', ({ ctx }, shown) => sendPicture(parts.world, shown, ctx));
  inside('dicom', ({ ctx }, shown) => sendZip(parts, shown, ctx));
}

/** Answers everything that opens nothing with one and the same page: unknown, over, taken back, ended. */
async function visit(
  { world }: SharedParts,
  limit: CallerLimit,
  ctx: Ctx,
  work: (found: Visit) => Promise<void>,
): Promise<void> {
  const t = speechIn(languageOf(ctx));
  ctx.set('X-Robots-Tag', 'noindex, nofollow');
  const wait = limit.wait(ctx.state.clientAddress);
  if (wait > 0) {
    ctx.set('Retry-After', String(wait));
    return answer(ctx, slowPage(t));
  }
  limit.count(ctx.state.clientAddress);
  const word = ctx.params['word'] ?? '';
  try {
    const open = await shareWith(world, word);
    if (!open) return answer(ctx, overPage(t));
    await work({ ctx, t, word, open });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.code === 'not-found') return answer(ctx, overPage(t));
    showProblem(ctx, error, errorPage(wordsOf(ctx), error.message));
  }
}

async function show(parts: SharedParts, { ctx, t, word, open }: Visit): Promise<void> {
  if (!hasSession(parts, { ctx, open })) return answer(ctx, codePage(t, formOf(parts, word)));
  const shown = await shownBy(parts.world, open);
  if (!shown) return answer(ctx, gonePage(t));
  await noteLook(parts.world, open, shown, traceOfRequest(ctx));
  const { timeZone } = parts.world.settings;
  const images = await countImages(parts.world, shown);
  answer(ctx, sharedPage(t, { base: `/shared/${word}`, shown, images, endsAt: open.share.endsAt, timeZone }));
}

function formOf({ cookieKey }: SharedParts, word: string) {
  return { action: `/shared/${word}`, proof: formProof(cookieKey, `shared ${word}`) };
}

async function takeCode(parts: SharedParts, { ctx, t, word }: Visit): Promise<void> {
  const form = await readFields(ctx);
  const own = formOf(parts, word);
  checkFormOrigin(ctx, form, { origin: parts.world.settings.publicUrl, proof: own.proof });
  const outcome = await tryCode(parts.world, word, (form.get('code') ?? '').slice(0, 100), traceOfRequest(ctx));
  if (outcome.kind === 'over') return answer(ctx, overPage(t));
  if (outcome.kind === 'wrong') return answer(ctx, codePage(t, { ...own, fault: t('wrong', { left: outcome.left }) }));
  beginSession(parts, ctx, word, outcome.share.id);
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(own.action);
}

/** Of this browser and this link, for an hour; what it may see is asked of the link at each request. */
function beginSession({ world }: SharedParts, ctx: Ctx, word: string, id: string): void {
  const until = world.now().getTime() + sessionSeconds * 1000;
  const value = `${until}~${world.secrets.digest(`${id} ${until}`, purpose)}`;
  const secure = world.settings.publicUrl.startsWith('https:') ? '; Secure' : '';
  ctx.append(
    'Set-Cookie',
    `${cookie}=${value}; Path=/shared/${word}; Max-Age=${sessionSeconds}; HttpOnly; SameSite=Lax${secure}`,
  );
}

function hasSession({ world }: SharedParts, { ctx, open }: Pick<Visit, 'ctx' | 'open'>): boolean {
  const [until = '', digest = ''] = (ctx.cookies.get(cookie, { signed: false }) ?? '').split('~');
  if (!/^\d{13}$/.test(until) || Number(until) < world.now().getTime()) return false;
  return world.secrets.knows(digest) && world.secrets.isDigest(digest, `${open.share.id} ${until}`, purpose);
}

/** To the page that asks for the code. */
function leadTo({ ctx, word }: Visit): void {
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(`/shared/${word}`);
}

async function sendReport({ world }: SharedParts, { ctx, open }: Visit, shown: Shown): Promise<void> {
  const pdf = await pdfShownBy(world, open, shown, traceOfRequest(ctx));
  ctx.set({
    'Cache-Control': 'no-store',
    'Content-Disposition': 'inline; filename="report.pdf"',
    'Content-Security-Policy': "frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
  });
  ctx.type = 'application/pdf';
  ctx.body = pdf;
}

function answer(ctx: Ctx, page: SharedPage): void {
  showPage(ctx, page);
}
