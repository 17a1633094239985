import { html, lines, type Markup } from './markup.ts';
import type { AiPart, Facts, ReportContent, Signature, Word } from './report-content.ts';
import { previewWords, reportStyle } from './report-style.ts';

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
          ${reportStyle({ number: content.number, version: content.version.number, scanId: content.scanId, issuedAt: content.issuedAt, preview: content.preview === true })}
        </style>
      </head>
      <body>
        ${content.preview && html`<p class="preview" aria-hidden="true">${previewWords}</p>`} ${header(content)}
        <main>
          ${changes(content)}
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

function header({ organization, number, issuedAt, version }: ReportContent): Markup {
  return html`<header>
    <div>
      ${organization.logo !== undefined && html`<img class="logo" src="${organization.logo}" alt="" />`}
      <p class="organization">${organization.name}</p>
      ${organization.details.map((detail) => html`<p class="detail">${detail}</p>`)}
    </div>
    <div class="identity">
      <h1>DIAGNOSTIC REPORT</h1>
      <p>Report <strong>${number}</strong>, version ${version.number}</p>
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

function findings({ findings, addenda }: ReportContent): Markup {
  return html`<section class="findings">
      <h2>Clinical findings and impression</h2>
      ${word(findings)}
      ${findings.risk !== undefined && html`<p>Risk level: <strong class="risk ${findings.risk}">${findings.risk}</strong></p>`}
      ${findings.confirmed !== undefined && html`<p>Released with this difference by ${findings.confirmed}, who confirmed it.</p>`}
    </section>
    ${addenda.map(
      (addendum) =>
        html`<section class="findings addendum">
          <h2>${addendum.title}</h2>
          ${word(addendum)}
          <div class="signatures"><div>${signature(addendum.signature)}</div></div>
        </section>`,
    )}`;
}

function word({ conclusion, notes, agreement, disagreement }: Word): Markup {
  return html`${conclusion !== undefined && html`<p class="conclusion">${conclusion}</p>`}
    <p class="notes">${lines(notes)}</p>
    ${agreement !== undefined && html`<p>${agreement}</p>`}
    ${disagreement !== undefined && html`<p class="notes">Why: ${lines(disagreement)}</p>`}`;
}

/** What changed since the first version: a report that takes another's place says so before anything else. */
function changes({ version, number }: ReportContent): Markup {
  if (!version.replaces) return html``;
  const { issuedAt } = version.replaces;
  const rows = version.changes.map(
    (change) =>
      html`<li>
        <strong>Version ${change.number}: ${change.kind}</strong> by
        ${change.by}${change.at !== undefined && html`, ${change.at}`}${change.reason !== undefined && html`. Reason: ${change.reason}`}
      </li>`,
  );
  return html`<section class="changes">
    <p class="notice">
      Version ${version.number}. Replaces version ${version.replaces.number} of report
      ${number}${issuedAt !== undefined && html`, issued ${issuedAt}`}. The earlier version is not valid any more.
    </p>
    <ul>
      ${rows}
    </ul>
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
      <span class="badge ${part.kind}">${part.answer}</span> Suspected by software. Highest probability
      ${part.confidence}, threshold ${part.threshold}${part.refusal !== undefined && html`. ${part.refusal}`}
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
  return html`<section class="signatures">
    <h2>Signatures</h2>
    <div>${all.map(signature)}</div>
  </section>`;
}

function signature({ role, name, detail, at, digest, isPerson }: Signature): Markup {
  return html`<div class="${isPerson ? 'person' : 'machine'}">
    <p class="role">${role}</p>
    <p><strong>${name}</strong></p>
    ${detail !== undefined && html`<p>${detail}</p>`}${at !== undefined && html`<p class="small">${isPerson ? 'Electronically signed' : 'Result of'} ${at}</p>`}
    ${digest !== undefined && html`<p class="small">Signed content SHA-256 ${digest}…</p>`}
  </div>`;
}
