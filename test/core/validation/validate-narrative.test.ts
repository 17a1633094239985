import { describe, expect, test } from 'vitest';
import { narrativeFault } from '../../../server/core/validation/validate-narrative.ts';

const div = (inner: string) => `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>`;

describe('a narrative', () => {
  test.each([
    '<p onclick="x()">a</p>',
    '<script>1</script>',
    '<SCRIPT>1</SCRIPT>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#x09;script:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,x">x</a>',
    '<img src="http://evil.example/x.png"/>',
    '<img src="//evil.example/x.png"/>',
    '<iframe src="x">y</iframe>',
    '<form action="x">y</form>',
    '<object data="x">y</object>',
    '<style>p{}</style>',
    '<p style="background:url(http://x)">a</p>',
    '<p style="width:expression(1)">a</p>',
    '<svg><p>a</p></svg>',
    ...[
      "background-image: image-set('http://x/a.png' 1x)",
      "background-image: -webkit-image-set('http://x/a.png' 1x)",
      'background: cross-fade(url(http://x), red)',
      "background: image('http://x')",
      "background: src('http://x')",
      'background: u\\72l(http://x)',
      'background: url(data:image/svg+xml;base64,AAAA)',
      'background: url(data:image/png;base64,AAAA) url(http://x)',
      'background: url&#40;http://x)',
      'background: URL(//x)',
      'background: url(a.png)',
      'background: element(#a)',
      'background: paint(a)',
      'background: var(--a)',
      'width: attr(title url)',
      '--a: url(http://x)',
      'content: "x"',
      'cursor: url(http://x), auto',
      'filter: url(http://x#a)',
      'mask-image: none',
      'position: fixed',
      'z-index: 9',
      'opacity: 0',
      'visibility: hidden',
      'transform: scale(9)',
      'animation: a 1s',
      'unicode-bidi: bidi-override',
      'behavior: none',
      '-moz-binding: none',
      'color: red; @import "http://x"',
      'color: red } p { color: red',
      'color: r/**/ed',
      'constructor: red',
      'color',
      ': red',
    ].map((style) => `<p style="${style.replaceAll('"', '&quot;')}">a</p>`),
    '<img src="\\\\evil.example/x.png"/>',
    '<img src="/\\evil.example/x.png"/>',
    '<img src="&sol;&sol;evil.example/x.png"/>',
    '<img src="data:image/svg+xml;base64,AAAA"/>',
    '<a href="javascript&colon;alert(1)">x</a>',
    '<a href="&Tab;javascript:alert(1)">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="blob:x">x</a>',
    '&#x200b;&#xfeff;&nbsp;',
    '\u200b\u3164\u115f\u2800',
    '<p>unclosed',
    '<p>a</b>',
    '<p>a & b</p>',
    '<p id=x>a</p>',
    '<p title="a" title="b">a</p>',
    '<![CDATA[x]]>',
    '<!-- x',
    '<?php x ?>',
    '   ',
    '</div><div>x',
    `${'<b>'.repeat(80)}x${'</b>'.repeat(80)}`,
  ])('with %s is refused', (inner) => {
    expect(narrativeFault(div(inner))).toBeDefined();
  });

  test.each([
    'x',
    '<p id="a" style="color: red">x<br/>y</p>',
    '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>',
    '<a href="https://x.example/?a=1&amp;b=2">x</a>',
    '<img src="#pic"/>',
    '<img src="Binary/1?a=b&amp;c=d"/>',
    '<img src="data:image/png;base64,iVBORw0KGgo="/>',
    '<a href="Patient/1#name">x</a>',
    '<a href="/fhir/Patient/1?x=a:b">x</a>',
    '<a href="mailto:a@b.example">x</a>',
    ...[
      'border: 0px #F0F0F0 solid; font-size: 11px; font-family: verdana; vertical-align: top;',
      "padding:0px 4px 0px 4px; background-color: #ffcccc;FONT-FAMILY:'Noto Sans', serif",
      'color: rgba(0, 0, 0, .5) !important; margin: -1px auto 2.5em; width: 100%; line-height: 1.2',
      'background: url(data:image/png;base64,iVBORw0KGgo=) no-repeat; font: italic bold 12pt/1.5 serif',
    ].map((style) => `<p style="${style}">a</p>`),
    '<!-- c --> x &copy; &#169;',
  ])('with %s is accepted', (inner) => {
    expect(narrativeFault(div(inner))).toBeUndefined();
  });

  test('is one div in the XHTML namespace', () => {
    expect(narrativeFault('<div>x</div>')).toBeDefined();
    expect(narrativeFault('<p xmlns="http://www.w3.org/1999/xhtml">x</p>')).toBeDefined();
    expect(narrativeFault(`${div('x')}${div('y')}`)).toBeDefined();
    expect(narrativeFault(`${div('x')} tail`)).toBeDefined();
  });

  test('made to stop a regular expression is answered at once', () => {
    for (const inner of [`<p ${'a="b" '.repeat(20_000)}`, '<'.repeat(100_000), `<p ${' '.repeat(100_000)}`]) {
      expect(narrativeFault(div(inner))).toBeDefined();
    }
  });
});
