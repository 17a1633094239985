import { expect, test } from 'vitest';
import { html, lines } from '../../../server/core/reports/markup.ts';
import { reportStyle } from '../../../server/core/reports/report-style.ts';

test.each([
  ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
  ['" onerror="x', '&quot; onerror=&quot;x'],
  ["' & <b>", '&#39; &amp; &lt;b&gt;'],
  ['a\u0000b\u0007c\u001bd', 'abcd'],
  ['&lt;', '&amp;lt;'],
])('%j is text and stays text', (text, expected) => {
  expect(html`<p title="${text}">${text}</p>`.text).toBe(`<p title="${expected}">${expected}</p>`);
});

test('markup nests, lists join, nothing is nothing', () => {
  const rows = ['a', '<b>'].map((cell) => html`<td>${cell}</td>`);
  expect(
    html`<tr>
        ${rows}
      </tr>
      ${undefined}${false}${0}`.text.replaceAll(/\s*\n\s*/g, ''),
  ).toBe('<tr><td>a</td><td>&lt;b&gt;</td></tr>0');
});

test('line breaks of every kind survive, markup in them does not', () => {
  expect(html`${lines('a\r\nb\rc\n<br>')}`.text).toBe('a<br>b<br>c<br>&lt;br&gt;');
});

test('nothing ends the style sheet or its strings early', () => {
  const { text } = reportStyle({
    version: 1,
    number: 'CSS-2026-00001',
    scanId: '"; } </style><script>\\',
    issuedAt: 'now',
  });
  expect(text).not.toContain('</style>');
  expect(text).not.toContain('"; }');
});

test('nothing turns the order of a printed text around, and scripts keep what joins and parts their letters', () => {
  for (const turning of [
    '\u202a',
    '\u202b',
    '\u202c',
    '\u202d',
    '\u202e',
    '\u2066',
    '\u2067',
    '\u2068',
    '\u2069',
    '\u206a',
  ]) {
    expect(html`<p>${`5${turning}01 mg`}</p>`.text).toBe('<p>501 mg</p>');
    expect(lines(`a${turning}b`).text).toBe('ab');
    expect(reportStyle({ version: 1, number: `1${turning}2`, scanId: turning, issuedAt: '' }).text).toContain(
      '"12 · version 1 · scan  · generated ',
    );
  }
  for (const kept of [
    'می\u200cخواهم',
    'क्\u200dष',
    '\u200fשלום',
    'Jo\u00adse\u0301',
    '𠮷田',
    '\ue000',
    '👩\u200d⚕\ufe0f',
  ])
    expect(html`<p>${kept}</p>`.text).toBe(`<p>${kept}</p>`);
  expect(lines('a\u2028b\u2029c\r\nd').text).toBe('a<br>b<br>c<br>d');
  expect(html`${'a\ud800b\u0085\ufdd0c'}`.text).toBe('abc');
});
