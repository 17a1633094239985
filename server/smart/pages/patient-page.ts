import { html, type Html } from './html.ts';
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
  uid: string;
  proof: string;
  appName: string;
  /** What was looked for; undefined before the first search. */
  text?: string;
  patients: PatientChoice[];
  error?: string;
}

/** The search goes by POST: names do not belong into addresses, histories and logs. */
export function patientPage(page: PatientPage): { title: string; body: Html } {
  return {
    title: 'Choose a patient',
    body: html`<h1>Choose a patient</h1>
      <p class="quiet">${page.appName} opens with this patient.</p>
      ${page.error !== undefined && html`<p class="error" role="alert" tabindex="-1" autofocus>${page.error}</p>`}
      <form method="post" action="/interaction/${page.uid}/find-patient">
        <input type="hidden" name="proof" value="${page.proof}" />
        <label for="text">Name, or identifier</label>
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
          <button type="submit">Search</button>
        </div>
      </form>
      ${results(page)} ${cancelForm(page.uid, page.proof)}`,
  };
}

function results(page: PatientPage): Html {
  if (page.patients.length === 0) {
    return page.text === undefined
      ? html``
      : html`<p role="status">No patient found. Try fewer letters, or the identifier.</p>`;
  }
  return html`<form method="post" action="/interaction/${page.uid}/patient">
    <input type="hidden" name="proof" value="${page.proof}" />
    <fieldset>
      <legend>Patients</legend>
      ${page.patients.map(
        (patient) =>
          html`<label class="choice">
            <input type="radio" name="patient" value="${patient.id}" required />
            <span>${patient.name}<br /><span class="quiet">${facts(patient)}</span></span>
          </label>`,
      )}
    </fieldset>
    <div class="actions"><button class="main" type="submit">Continue with this patient</button></div>
  </form>`;
}

function facts(patient: PatientChoice): string {
  return [patient.birthDate && `born ${patient.birthDate}`, patient.gender, patient.identifier]
    .filter(Boolean)
    .join(', ');
}
