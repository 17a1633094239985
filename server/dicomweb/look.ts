/** The rendering parameters of a query (PS3.18 8.3.5). */
import type { RenderedLook } from '../core/studies/pixel-decoder.ts';
import { Problem } from '../core/problem.ts';
import { single, type Exchange } from './exchange.ts';
import { own } from '../core/table.ts';

const pixelsLimit = 8192;
const shapes = ['linear', 'linear-exact', 'sigmoid'] as const;

/** @throws Problem `value` for values that are not of the form that the standard gives. */
export function lookOf(query: Exchange['query']): Omit<RenderedLook, 'format'> {
  const quality = single(query['quality']);
  const window = single(query['window']);
  const viewport = single(query['viewport']);
  return {
    ...(quality !== undefined && { quality: qualityOf(quality) }),
    ...(window !== undefined && { window: windowOf(window) }),
    ...(viewport !== undefined && { viewport: viewportOf(viewport) }),
  };
}

/** Known parameters that have no effect here are not an error, but the caller is told (PS3.18 8.3.5.1). */
export function warnOfIgnored(ctx: Exchange): void {
  const ignored = ['annotation', 'iccprofile', 'presentationUID'].filter(
    (name) => (own(ctx.query, name) ?? 'no') !== 'no',
  );
  if (ignored.length > 0)
    ctx.set('Warning', `299 csss "The following query parameters are not supported: ${ignored.join(', ')}"`);
}

function qualityOf(text: string): number {
  if (!/^([1-9][0-9]?|100)$/.test(text)) throw new Problem('value', 'quality is an integer from 1 to 100');
  return Number(text);
}

/** `center,width,function`; a client in the field leaves the function out. */
function windowOf(text: string): NonNullable<RenderedLook['window']> {
  const [center, width, shape = 'linear', ...rest] = text.split(',').map((item) => item.trim());
  const numbers = { center: numberOf(center), width: numberOf(width) };
  const known = shapes.find((one) => one === shape.toLowerCase().replace('_', '-'));
  const good = numbers.center !== undefined && numbers.width !== undefined && known !== undefined && rest.length === 0;
  if (!good || numbers.width! <= 0 || (known === 'linear' && numbers.width! < 1))
    throw new Problem(
      'value',
      'window is center,width,function with a positive width and linear, linear-exact or sigmoid',
    );
  return { center: numbers.center!, width: numbers.width!, shape: known };
}

/** `vw,vh` or `vw,vh,sx,sy,sw,sh`; the last four may be empty, a negative size mirrors. */
function viewportOf(text: string): NonNullable<RenderedLook['viewport']> {
  const items = text.split(',').map((item) => item.trim());
  const [width, height] = items.slice(0, 2).map(numberOf);
  const usable = (size: number | undefined): size is number =>
    size !== undefined && Number.isInteger(size) && size >= 1 && size <= pixelsLimit;
  const region = items.slice(2);
  const numbers = region.map((item) => (item === '' ? undefined : numberOf(item)));
  const badRegion =
    region.length !== 0 && (region.length !== 4 || region.some((item, i) => item !== '' && numbers[i] === undefined));
  if (!usable(width) || !usable(height) || badRegion)
    throw new Problem(
      'value',
      `viewport is width,height, each from 1 to ${pixelsLimit}, and for a region x,y,width,height of the image`,
    );
  if (numbers.every((number) => number === undefined)) return { width, height };
  const [x = 0, y = 0, regionWidth = Infinity, regionHeight = Infinity] = numbers;
  if (x < 0 || y < 0 || regionWidth === 0 || regionHeight === 0)
    throw new Problem('value', 'The viewport shows nothing of the image');
  return { width, height, region: { x, y, width: regionWidth, height: regionHeight } };
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})(e[+-]?[0-9])?$/i.test(text)
    ? Number(text)
    : undefined;
}
