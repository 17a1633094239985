import { html, lines, type Markup } from './markup.ts';
import type { AiPart, Facts, ReportContent, Signature } from './report-content.ts';
import { reportStyle } from './report-style.ts';

const disclaimer =
  'The AI result is decision support. It was made by software that is not a cleared medical device, may be wrong, and is no diagnosis. ' +
  'The doctor’s reading above is the finding of this report.';

/**
 * Lays a report out as one self-contained A4 document: no script, no address outside, every value escaped.
 */
export function reportHtml(content: ReportContent): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'"
        />
        <title>Diagnostic report ${content.number}</title>
        <style>
          ${reportStyle({ number: content.number, scanId: content.scanId, issuedAt: content.issuedAt })}
        </style>
      </head>
      <body>
        ${header(content)}
        <main>
          <div class="columns">
            <section>
              <h2>Patient</h2>
              ${facts(content.patient)}
            </section>
            <section>
              <h2>Referral</h2>
              ${facts(content.referral)}
            </section>
          </div>
          <section>
            <h2>Scan</h2>
            ${facts(content.scan, 'wide')}
          </section>
          ${pictures(content)} ${findings(content)}
          ${
            content.ai
              ? ai(content.ai)
              : html`<section>
                  <h2>AI analysis</h2>
                  <p>${content.aiAbsent ?? ''}</p>
                </section>`
          }
          ${prescription(content)} ${signatures(content.signatures)}
        </main>
      </body>
    </html>`.text;
}

function header({ organization, number, issuedAt }: ReportContent): Markup {
  return html`<header>
    <div>
      <p class="organization">${organization.name}</p>
      ${organization.details.map((detail) => html`<p class="detail">${detail}</p>`)}
    </div>
    <div class="identity">
      <h1>DIAGNOSTIC REPORT</h1>
      <p>Report <strong>${number}</strong></p>
      <p>${issuedAt}</p>
    </div>
  </header>`;
}

function facts(rows: Facts, layout = ''): Markup {
  const known = rows.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="${layout}">
    ${known.map(
      ([label, value]) =>
        html`<div>
          <dt>${label}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

function pictures({ pictures }: ReportContent): Markup {
  if (pictures.length === 0) return html``;
  const figures = pictures.map(
    ({ title, caption, dataUri }) =>
      html`<figure>
        <img src="${dataUri}" alt="${title}" />
        <figcaption><strong>${title}.</strong> ${caption}</figcaption>
      </figure>`,
  );
  return html`<section class="pictures">
    <h2>Images</h2>
    <div>${figures}</div>
  </section>`;
}

function findings({ findings }: ReportContent): Markup {
  return html`<section class="findings">
    <h2>Clinical findings and impression</h2>
    ${findings.conclusion !== undefined && html`<p class="conclusion">${findings.conclusion}</p>`}
    <p class="notes">${lines(findings.notes)}</p>
    ${findings.risk !== undefined && html`<p>Risk level: <strong class="risk ${findings.risk}">${findings.risk}</strong></p>`}
    ${findings.agreement !== undefined && html`<p>${findings.agreement}</p>`}
  </section>`;
}

function ai(part: AiPart): Markup {
  const bars = part.probabilities.map(
    ({ name, percent, share }) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td><span class="bar" style="width:${Math.round(percent)}%"></span></td>
        <td class="number">${share}</td>
      </tr>`,
  );
  return html`<section class="ai">
    <h2>AI analysis</h2>
    ${part.notices.map((notice) => html`<p class="notice">${notice}</p>`)}
    <p>
      <span class="badge ${part.kind}">${part.answer}</span> Highest probability ${part.confidence}, threshold
      ${part.threshold}${part.refusal !== undefined && html`. ${part.refusal}`}
    </p>
    <table>
      <thead>
        <tr>
          <th scope="col">Class</th>
          <th scope="col">Probability</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${bars}
      </tbody>
    </table>
    <p class="small">
      Model ${part.model}${part.duration !== undefined && html`, ${part.duration}`}. Weights SHA-256 ${part.digest}
    </p>
    <p class="small">${disclaimer}</p>
  </section>`;
}

function prescription({ prescription }: ReportContent): Markup {
  const items = prescription.items.map(
    ({ name, dosage }) => html`<li><strong>${name}</strong>${dosage !== undefined && html`: ${lines(dosage)}`}</li>`,
  );
  return html`<section>
    <h2>Medication</h2>
    ${prescription.noneNeeded && html`<p>No medication needed.</p>`}
    ${
      items.length > 0 &&
      html`<ul>
        ${items}
      </ul>`
    }
    <p class="notes">${lines(prescription.notes)}</p>
  </section>`;
}

function signatures(all: Signature[]): Markup {
  const blocks = all.map(
    ({ role, name, detail, at, isPerson }) =>
      html`<div class="${isPerson ? 'person' : 'machine'}">
        <p class="role">${role}</p>
        <p><strong>${name}</strong></p>
        ${detail !== undefined && html`<p>${detail}</p>`}${at !== undefined && html`<p class="small">${isPerson ? 'Electronically signed' : 'Result of'} ${at}</p>`}
      </div>`,
  );
  return html`<section class="signatures">
    <h2>Signatures</h2>
    <div>${blocks}</div>
  </section>`;
}
