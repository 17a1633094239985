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
      ${undefined}${false}${0}`.text,
  ).toBe('<tr><td>a</td><td>&lt;b&gt;</td></tr>0');
});

test('line breaks of every kind survive, markup in them does not', () => {
  expect(html`${lines('a\r\nb\rc\n<br>')}`.text).toBe('a<br>b<br>c<br>&lt;br&gt;');
});

test('nothing ends the style sheet or its strings early', () => {
  const { text } = reportStyle({ number: 'CSS-2026-00001', scanId: '"; } </style><script>\\', issuedAt: 'now' });
  expect(text).not.toContain('</style>');
  expect(text).not.toContain('"; }');
});
