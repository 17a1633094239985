/** A structured report as a page to read (PS3.18 8.7.3.3, PS3.3 C.17.3): its content tree, with nothing left out and nothing run. */
import type { DicomJson } from '../core/dicom/json.ts';
import type { PersonName } from '../core/dicom/json.ts';
import { Problem } from '../core/problem.ts';
import { own } from '../core/table.ts';
import { html, type Html } from '../http/answer/html.ts';

const mostItems = 20_000;
const deepest = 64;

/** Whether the instance is a content tree. */
export function isReport(attributes: DicomJson): boolean {
  return textOf(attributes, '0040A040') === 'CONTAINER' && own(attributes, '0040A730') !== undefined;
}

/** @throws Problem `too-costly` for a report of more items than a person reads. */
export function reportPage(attributes: DicomJson): string {
  const budget = { left: mostItems, places: placesOf(attributes) };
  const title = meaning(attributes, '0040A043') ?? 'Structured report';
  const facts: [string, string | undefined][] = [
    ['Patient', textOf(attributes, '00100010')],
    ['Patient ID', textOf(attributes, '00100020')],
    ['Born', textOf(attributes, '00100030')],
    ['Study', [textOf(attributes, '00081030'), textOf(attributes, '00080020')].filter(Boolean).join(', ') || undefined],
    ['Completion', textOf(attributes, '0040A491')],
    ['Verification', textOf(attributes, '0040A493')],
    ['Verified by', sequence(attributes, '0040A073').map((one) => textOf(one, '0040A075')).filter(Boolean).join(', ') || undefined],
  ]; // prettier-ignore
  const rows = facts.map(
    ([name, value]) =>
      value !== undefined &&
      html`<tr>
        <th>${name}</th>
        <td>${value}</td>
      </tr>`,
  );
  const page = html`<!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
      </head>
      <body>
        <h1>${title}</h1>
        <table>
          ${rows}
        </table>
        ${children(attributes, budget, '1', 0)}
      </body>
    </html> `;
  return page.text;
}

interface Budget {
  left: number;
  /** Where the instances are that the report refers to. */
  places: ReadonlyMap<string, string>;
}

function children(item: DicomJson, budget: Budget, path: string, depth: number): Html | false {
  const items = sequence(item, '0040A730');
  if (items.length === 0) return false;
  if (depth > deepest || (budget.left -= items.length) < 0)
    throw new Problem('too-costly', 'The report has more content than is made a page of; retrieve the instance');
  return html`<ul>
    ${items.map((one, i) => contentItem(one, budget, `${path}.${i + 1}`, depth))}
  </ul>`;
}

function contentItem(item: DicomJson, budget: Budget, path: string, depth: number): Html {
  const name = meaning(item, '0040A043');
  const value = valueOf(item, budget);
  return html`<li id="item-${path}">${name !== undefined && html`<b>${name}</b>`}${name !== undefined && value !== undefined && ': '}${value}${children(item, budget, path, depth + 1)}</li>`; // prettier-ignore
}

function valueOf(item: DicomJson, { places }: Budget): Html | string | undefined {
  const reference = own(item, '0040DB73')?.Value;
  if (reference) return html`<a href="#item-${reference.join('.')}">see ${reference.join('.')}</a>`;
  switch (textOf(item, '0040A040')) {
    case 'TEXT':
      return own(item, '0040A160')?.BulkDataURI === undefined ? textOf(item, '0040A160') : 'a text that is too long for this page'; // prettier-ignore
    case 'CODE':
      return meaning(item, '0040A168');
    case 'NUM':
      return measured(item);
    case 'DATETIME':
      return textOf(item, '0040A120');
    case 'DATE':
      return textOf(item, '0040A121');
    case 'TIME':
      return textOf(item, '0040A122');
    case 'PNAME':
      return textOf(item, '0040A123');
    case 'UIDREF':
      return textOf(item, '0040A124');
    case 'SCOORD':
    case 'SCOORD3D':
      return `${textOf(item, '00700023') ?? ''} ${(own(item, '00700022')?.Value ?? []).slice(0, 64).join(' ')}`;
    case 'TCOORD':
      return textOf(item, '0040A130');
    case 'IMAGE':
    case 'WAVEFORM':
    case 'COMPOSITE':
      return referred(item, places);
    default:
      return undefined;
  }
}

function measured(item: DicomJson): string | undefined {
  const [value] = sequence(item, '0040A300');
  if (!value) return meaning(item, '0040A301');
  const [units] = sequence(value, '004008EA');
  const unit =
    units && (textOf(units, '00080100') === '1' ? '' : (textOf(units, '00080104') ?? textOf(units, '00080100')));
  return [textOf(value, '0040A30A'), unit].filter(Boolean).join(' ');
}

function referred(item: DicomJson, places: ReadonlyMap<string, string>): Html | undefined {
  const [reference] = sequence(item, '00081199');
  const uid = reference && textOf(reference, '00081155');
  if (uid === undefined) return undefined;
  const place = places.get(uid);
  return place === undefined ? html`${uid}` : html`<a href="${place}/rendered">${uid}</a>`;
}

/** Study and series of what is evidence (PS3.3 C.17.2), as addresses from the page's own. */
function placesOf(attributes: DicomJson): Map<string, string> {
  const places = new Map<string, string>();
  for (const tag of ['0040A375', '0040A385'])
    for (const study of sequence(attributes, tag))
      for (const series of sequence(study, '00081115'))
        for (const image of sequence(series, '00081199')) {
          const uids = [textOf(study, '0020000D'), textOf(series, '0020000E'), textOf(image, '00081155')];
          if (!uids.every((uid) => uid !== undefined && /^[0-9.]{1,64}$/.test(uid))) continue;
          places.set(uids[2]!, `../../../../../${uids[0]}/series/${uids[1]}/instances/${uids[2]}`);
        }
  return places;
}

function sequence(item: DicomJson, tag: string): DicomJson[] {
  const { vr, Value: values = [] } = own(item, tag) ?? { vr: '' };
  return vr === 'SQ' ? (values as DicomJson[]) : [];
}

/** Code Meaning of the code in a sequence. */
function meaning(item: DicomJson, tag: string): string | undefined {
  const [code] = sequence(item, tag);
  return code && (textOf(code, '00080104') ?? textOf(code, '00080100'));
}

function textOf(item: DicomJson, tag: string): string | undefined {
  const value = own(item, tag)?.Value?.[0];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object') return String(value);
  const { Alphabetic, Ideographic, Phonetic } = value as PersonName;
  return [Alphabetic, Ideographic, Phonetic].filter(Boolean).join(' = ').replaceAll('^', ' ') || undefined;
}
