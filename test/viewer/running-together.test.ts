import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { parse, type SFCTemplateBlock } from 'vue/compiler-sfc';

// Vue drops a line end between two elements, so that `<span>Warfarin 5</span>⏎<span>1 tablet</span>` reads "Warfarin 51 tablet".
type TemplateChildNode = NonNullable<SFCTemplateBlock['ast']>['children'][number];
type ElementNode = Extract<TemplateChildNode, { tag: string }>;
/** Of Vue's syntax tree. */
const NodeTypes = { ELEMENT: 1, COMMENT: 3, INTERPOLATION: 5, ATTRIBUTE: 6, DIRECTIVE: 7 } as const;

const root = join(import.meta.dirname, '../../viewer/src');
const inline = /^(span|strong|em|b|i|code|time|small|a|RouterLink|kbd|abbr|sup|sub)$/;
/** Classes by which the parent or the element itself sets them apart. */
const parted =
  /(^|[\s'"`{:!])(flex|inline-flex|grid|inline-grid|block|sr-only|table-cell|contents|line-clamp-\d)(?=$|[\s'"`}!])/;
const gap = /(^|[\s'"`{])(m[lrx]|p[lrx])-/;

const classesOf = (node: ElementNode): string =>
  node.props
    .map((prop) => (prop.name === 'class' && prop.type === NodeTypes.ATTRIBUTE ? (prop.value?.content ?? '') : prop.name === 'bind' && prop.type === NodeTypes.DIRECTIVE && prop.loc.source.startsWith(':class') ? prop.loc.source : ''))
    .join(' '); // prettier-ignore
const isIcon = (node: ElementNode): boolean =>
  node.props.some((prop) => prop.name === 'aria-hidden') &&
  !node.children.some(({ type }) => type === NodeTypes.INTERPOLATION);
const bears = (node: TemplateChildNode): node is ElementNode =>
  node.type === NodeTypes.ELEMENT && inline.test(node.tag) && !isIcon(node) && !parted.test(classesOf(node)) && !gap.test(classesOf(node)); // prettier-ignore
/** Brings its own separator: ` · done`. */
const begins = (node: ElementNode): boolean =>
  node.children[0]?.type === 2 && /^\s*[^\s\p{L}\p{N}]/u.test(node.children[0].content);
const alternatives = (one: ElementNode, other: ElementNode): boolean =>
  other.props.some((prop) => prop.name === 'else' || prop.name === 'else-if') && one !== other;

function faultsIn(source: string): number[] {
  const template = parse(source, { sourceMap: false }).descriptor.template?.ast;
  const faults: number[] = [];
  const visit = (parent: { children: TemplateChildNode[] }, apart: boolean): void => {
    const children = parent.children.filter(({ type }) => type !== NodeTypes.COMMENT);
    for (const [place, child] of children.entries()) {
      if (child.type !== NodeTypes.ELEMENT) continue;
      const next = children[place + 1];
      // Written end to end (`</span\n>`), the author has said that nothing stands between.
      const touches = next && source.slice(child.loc.end.offset, next.loc.start.offset) === '';
      if (!apart && bears(child) && next && bears(next) && !touches && !begins(next) && !alternatives(child, next)) faults.push(child.loc.start.line);
      if (!apart && bears(child) && child.props.some(({ name }) => name === 'for') && !parted.test(classesOf(child))) faults.push(child.loc.start.line);
      visit(child, parted.test(classesOf(child)) || (child.tag === 'template' && apart) || /^(tr|dl|ul|ol|select)$/.test(child.tag));
    }
  }; // prettier-ignore
  if (template) visit(template, false);
  return faults;
}

test('the rule sees what ran together, and lets alone what stands apart', () => {
  const of = (body: string) => faultsIn(`<template>\n${body}\n</template>`).length;
  expect(of('<dd><span>{{ name }}</span>\n<span>{{ dosage }}</span></dd>')).toBe(1);
  expect(of('<dd><span>{{ name }}</span> <span>{{ dosage }}</span></dd>')).toBe(0);
  expect(of('<dd><span>{{ name }}</span\n><span>{{ `: ${dosage}` }}</span></dd>')).toBe(0);
  expect(of('<dd class="flex gap-2"><span>{{ name }}</span>\n<span>{{ dosage }}</span></dd>')).toBe(0);
  expect(of('<dd><span>{{ name }}</span>\n<span class="block">{{ dosage }}</span></dd>')).toBe(0);
  expect(of('<dd><span v-if="a">{{ name }}</span>\n<span v-else>{{ dosage }}</span></dd>')).toBe(0);
  expect(of('<dd><span>{{ name }}</span>\n<span> · {{ dosage }}</span></dd>')).toBe(0);
  expect(of('<dd><span v-for="one in all">{{ one }}</span></dd>')).toBe(1);
});

test('no two texts of a page run together', () => {
  const pages = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.vue'));
  const faults = pages.flatMap((path) =>
    faultsIn(readFileSync(join(root, path), 'utf8')).map((line) => `${relative('', path)}:${line}`),
  );
  expect(pages.length).toBeGreaterThan(50);
  expect(faults).toEqual([]);
});
