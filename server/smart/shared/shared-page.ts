/** The pages behind a shared link. */
import type { Shown } from '../../core/patient/open-share.ts';
import { studyFacts } from '../../core/patient/scans.ts';
import { html, type Html } from '../pages/html.ts';
import type { Speech } from './shared-words.ts';
import { dayText, studyName } from './study-name.ts';

export interface SharedPage {
  title: string;
  body: Html;
  status?: number;
}

/** Of the language that it is in, whatever the frame around it says. */
function page({ language }: Speech, title: string, body: Html, status = 200): SharedPage {
  return { title, body: html`<div lang="${language}">${body}</div>`, status };
}

export function codePage(
  t: Speech,
  { action, proof, fault }: { action: string; proof: string; fault?: string },
): SharedPage {
  const isWrong = fault !== undefined;
  return page(
    t,
    t('codeTitle'),
    html`<h1>${t('codeTitle')}</h1>
      <p>${t('codeLead')}</p>
      <form method="post" action="${action}">
        <input type="hidden" name="proof" value="${proof}" />
        <label for="code">${t('codeLabel')}</label>
        ${isWrong && html`<p id="code-fault" class="error" role="alert">${fault}</p>`}
        <input
          id="code"
          name="code"
          required
          maxlength="20"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          autofocus
          ${isWrong && html`aria-invalid="true" aria-describedby="code-fault"`}
        />
        <div class="actions"><button class="main" type="submit">${t('open')}</button></div>
      </form>`,
    isWrong ? 422 : 200,
  );
}

export function overPage(t: Speech): SharedPage {
  return page(
    t,
    t('overTitle'),
    html`<h1>${t('overTitle')}</h1>
      <p>${t('overLead')}</p>`,
    404,
  );
}

export function slowPage(t: Speech): SharedPage {
  return page(
    t,
    t('overTitle'),
    html`<h1>${t('codeTitle')}</h1>
      <p class="error" role="alert">${t('slow')}</p>`,
    429,
  );
}

/** The report does not hold any more. */
export function gonePage(t: Speech): SharedPage {
  return page(
    t,
    t('goneTitle'),
    html`<h1>${t('goneTitle')}</h1>
      <p class="error" role="alert">${t('goneLead')}</p>`,
    410,
  );
}

export function sharedPage(
  t: Speech,
  { base, shown, images, endsAt, timeZone }: { base: string; shown: Shown; images: number; endsAt: Date; timeZone: string }, // prettier-ignore
): SharedPage {
  const name = studyName(shown.study && studyFacts(shown.study), t.language, timeZone);
  const isFirst = shown.report.status === 'final';
  const day = dayText(shown.report.issued, t.language, timeZone) ?? '';
  return page(
    t,
    name,
    html`<h1>${name}</h1>
      <p>${t(isFirst ? 'released' : 'corrected', { day })}</p>
      <p class="actions"><a class="button main" href="${base}/report" data-testid="report">${t('reportOpen')}</a></p>
      ${
        images > 0
          ? html`<p class="actions">
              <a class="button" href="${base}/images/1" data-testid="images">${t('imagesOpen', { count: images })}</a>
              <a class="button" href="${base}/dicom" data-testid="dicom">${t('imagesSave')}</a>
            </p>`
          : html`<p class="quiet">${t('noImages')}</p>`
      }
      <p class="quiet">${t('sharedUntil', { day: dayText(endsAt.toISOString(), t.language, timeZone) ?? '' })}</p>`,
  );
}

export interface Place {
  /** From 1. */
  image: number;
  images: number;
  /** From 1, within the image. */
  frame: number;
  frames: number;
}

export function imagePage(t: Speech, base: string, { image, images, frame, frames }: Place): SharedPage {
  const title = t('imageOf', { number: image, count: images });
  const link = (there: boolean, href: string, words: string, rel: string) =>
    there && html`<a class="button" rel="${rel}" href="${base}/${href}">${words}</a>`;
  return page(
    t,
    title,
    html`<h1>${title}</h1>
      <p><img class="shared" src="${base}/pictures/${image}/${frame}" alt="${title}" /></p>
      ${
        frames > 1 &&
        html`<p>${t('frameOf', { number: frame, count: frames })}</p>
          <p class="actions">
            ${link(frame > 1, `images/${image}?frame=${frame - 1}`, t('earlierFrame'), 'prev')}
            ${link(frame < frames, `images/${image}?frame=${frame + 1}`, t('laterFrame'), 'next')}
          </p>`
      }
      <p class="actions">
        ${link(image > 1, `images/${image - 1}`, t('earlier'), 'prev')}
        ${link(image < images, `images/${image + 1}`, t('later'), 'next')}
        <a class="button" href="${base}">${t('back')}</a>
      </p>
      <p class="quiet">${t('notDiagnostic')}</p>`,
  );
}
