import { Markup } from './markup.ts';
import { printable } from '../readable-text.ts';

/**
 * The style sheet of a report. Page numbers and the strip at the foot are margin boxes of the page itself
 * (CSS Paged Media), so they use the report's own font.
 */
export function reportStyle(strip: {
  number: string;
  version: number;
  scanId: string;
  issuedAt: string;
  preview?: boolean;
}): Markup {
  return new Markup(`
@page {
  size: A4; margin: 16mm 16mm 20mm;
  @bottom-left { content: ${cssString(`${strip.number} · version ${strip.version} · scan ${strip.scanId} · generated ${strip.issuedAt}`)}; font: 7.5pt 'Noto Sans'; color: #555; white-space: nowrap; }
  ${strip.preview ? previewMark : ''}
  @bottom-right { content: "Page " counter(page) " of " counter(pages); font: 7.5pt 'Noto Sans'; color: #555; }
}
* { box-sizing: border-box; }
p, dt, dd, th, td, li, strong, span, figcaption { unicode-bidi: isolate; }
body { margin: 0; font: 9.5pt/1.45 'Noto Sans', sans-serif; color: #16212b; }
header { display: flex; justify-content: space-between; gap: 10mm; border-bottom: 1.2pt solid #0b6b83; padding-bottom: 4mm; }
header p { margin: 0; }
.organization { font-weight: 700; font-size: 13pt; color: #0b6b83; }
.logo { display: block; max-width: 60mm; max-height: 18mm; margin-bottom: 2mm; object-fit: contain; }
.detail, .small { font-size: 8pt; color: #45525d; }
.identity { text-align: right; }
h1 { font-size: 13pt; margin: 0; letter-spacing: .04em; }
h2 { font-size: 10.5pt; margin: 5mm 0 1.5mm; color: #0b6b83; break-after: avoid; }
p { margin: 0 0 1.5mm; }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 8mm; }
dl { margin: 0; }
dl.wide { display: grid; grid-template-columns: 1fr 1fr; column-gap: 8mm; }
dl div { display: grid; grid-template-columns: 30mm 1fr; gap: 2mm; }
dt { color: #45525d; }
dd { margin: 0; overflow-wrap: anywhere; }
.pictures > div { display: flex; gap: 6mm; align-items: flex-start; }
figure { margin: 0; flex: 1 1 0; max-width: 86mm; break-inside: avoid; }
figure img { display: block; width: 100%; max-height: 86mm; object-fit: contain; background: #000; }
figcaption { font-size: 8pt; color: #45525d; margin-top: 1mm; }
.findings, .ai, .signatures > div > div { break-inside: avoid-page; }
.addendum { border-left: 1.2pt solid #0b6b83; padding-left: 4mm; }
.changes ul { margin: 0 0 1.5mm; padding-left: 5mm; }
.conclusion { font-weight: 700; font-size: 11pt; }
.notes { overflow-wrap: anywhere; }
.risk.high { color: #9d1c1c; } .risk.moderate { color: #8a5a00; } .risk.low { color: #1c6b2c; }
.notice { border: .8pt solid #8a5a00; background: #fff6e0; padding: 1.5mm 2.5mm; font-weight: 700; }
.badge { display: inline-block; border: .8pt solid currentColor; border-radius: 2mm; padding: .3mm 2.5mm; font-weight: 700; margin-right: 2mm; }
.badge.class { color: #0b6b83; } .badge.uncertain { color: #8a5a00; } .badge.unsupported { color: #45525d; }
table { width: 100%; border-collapse: collapse; margin-bottom: 1.5mm; }
thead th { font-size: 8pt; color: #45525d; }
th { text-align: left; font-weight: 400; width: 84mm; padding: .6mm 2mm .6mm 0; }
td { padding: .6mm 0; } td.number { width: 18mm; text-align: right; }
.bar { display: block; height: 3mm; min-width: .3mm; background: #0b6b83; }
.signatures > div { display: grid; grid-template-columns: 1fr 1fr; gap: 5mm 8mm; }
.signatures > div > div { border-top: .8pt solid #16212b; padding-top: 1.5mm; }
.signatures .machine { border-top-style: dashed; }
.signatures p { margin: 0; } .role { color: #45525d; font-size: 8pt; }
.small { overflow-wrap: anywhere; }
${strip.preview ? previewStamp : ''}
`);
}

export const previewWords = 'Preview, not released';

/** In the margin of every page: as text, also for who hears it read out, and where nothing covers it. */
const previewMark = `@top-center { content: "${previewWords}"; font: 700 11pt 'Noto Sans'; color: #9d1c1c; }`;
/** What is fixed stands on every page again, so that a page alone, or a copy of its middle, is no report either. */
const previewStamp = `.preview { position: fixed; top: 115mm; left: 0; right: 0; text-align: center; font-size: 44pt; font-weight: 700; color: #9d1c1c; opacity: .16; transform: rotate(-32deg); }`;

/** A CSS string (CSS Syntax 4.3.5) that cannot end early, nor end the style element. */
function cssString(text: string): string {
  return `"${printable(text).replace(/[^\p{L}\p{N} .:,·+-]/gu, (found) => `\\${found.codePointAt(0)!.toString(16)} `)}"`;
}
