import type { Words } from '../../http/words/words.ts';
import { html, type Html } from './html.ts';
import type { Page } from './layout.ts';
import { cancelForm } from './sign-in-page.ts';

/** Enough of a patient to tell two apart. */
export interface PatientChoice {
  id: string;
  name: string;
  birthDate?: string;
  gender?: string;
  identifier?: string;
}

export interface PatientPage {
  words: Words;
  uid: string;
  proof: string;
  appName: string;
  /** What was looked for; undefined before the first search. */
  text?: string;
  patients: PatientChoice[];
  error?: string;
}

/** The search goes by POST: names do not belong into addresses, histories and logs. */
export function patientPage(page: PatientPage): Page {
  const { words: t } = page;
  return {
    title: t('patient.title'),
    body: html`<h1>${t('patient.title')}</h1>
      <p class="quiet">${t('patient.lead', { app: page.appName })}</p>
      ${page.error !== undefined && html`<p class="error" role="alert" tabindex="-1" autofocus>${page.error}</p>`}
      <form method="post" action="/interaction/${page.uid}/find-patient">
        <input type="hidden" name="proof" value="${page.proof}" />
        <label for="text">${t('patient.search')}</label>
        <div class="with-button">
          <input
            id="text"
            name="text"
            type="search"
            maxlength="200"
            autocomplete="off"
            value="${page.text ?? ''}"
            ${page.error === undefined && html`autofocus`}
          />
          <button type="submit">${t('patient.find')}</button>
        </div>
      </form>
      ${results(page)} ${cancelForm(page)}`,
  };
}

function results(page: PatientPage): Html {
  const { words: t } = page;
  if (page.patients.length === 0) {
    return page.text === undefined ? html`` : html`<p role="status">${t('patient.none')}</p>`;
  }
  return html`<form method="post" action="/interaction/${page.uid}/patient">
    <input type="hidden" name="proof" value="${page.proof}" />
    <fieldset>
      <legend>${t('patient.list')}</legend>
      ${page.patients.map(
        (patient) =>
          html`<label class="choice">
            <input type="radio" name="patient" value="${patient.id}" required />
            <span>${patient.name}<br /><span class="quiet">${facts(t, patient)}</span></span>
          </label>`,
      )}
    </fieldset>
    <div class="actions"><button class="main" type="submit">${t('patient.submit')}</button></div>
  </form>`;
}

const genders = ['male', 'female', 'other', 'unknown'] as const;

function facts(t: Words, { birthDate, gender, identifier }: PatientChoice): string {
  const coded = genders.find((one) => one === gender);
  return [birthDate && t('patient.born', { date: birthDate }), coded ? t(`gender.${coded}`) : gender, identifier]
    .filter(Boolean)
    .join(', ');
}
