import { describe, expect, it } from 'vitest';
import { byteRange, portionOf } from '../../server/http/answer/byte-range.ts';
import { listsTag, notModified } from '../../server/http/answer/conditional.ts';

describe('a byte range', () => {
  it.each([
    ['bytes=0-0', { offset: 0, length: 1 }],
    ['bytes=5-', { offset: 5, length: 5 }],
    ['bytes=5-500', { offset: 5, length: 5 }],
    ['bytes=-3', { offset: 7, length: 3 }],
    ['bytes=-30', { offset: 0, length: 10 }],
    ['BYTES=1-2', { offset: 1, length: 2 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
    ['bytes=3-2', undefined],
    ['bytes=0-1,4-5', undefined],
    ['bytes=-', undefined],
    ['lines=1-2', undefined],
    ['', undefined],
    ['bytes=a-b', undefined],
  ])('%s of ten bytes', (header, expected) => expect(byteRange(header, 10)).toEqual(expected));

  it('of nothing cannot be satisfied', () => expect(byteRange('bytes=0-', 0)).toBe('unsatisfiable'));

  const portion = (
    headers: Record<string, string>,
    { method = 'GET', etag }: { method?: string; etag?: string } = {},
  ) => {
    const ctx = { method, get: (name: string) => headers[name] ?? '' };
    const { status, range, headers: sent } = portionOf(ctx as Parameters<typeof portionOf>[0], 10, etag);
    return [status, sent['Content-Range'], range.offset, range.length];
  };

  it('is named in the answer', () => {
    expect(portion({ Range: 'bytes=5-' })).toEqual([206, 'bytes 5-9/10', 5, 5]);
    expect(portion({ Range: 'bytes=10-' })).toEqual([416, 'bytes */10', 0, 0]);
    expect(portion({})).toEqual([200, undefined, 0, 10]);
  });

  it('counts for GET only', () => expect(portion({ Range: 'bytes=5-' }, { method: 'HEAD' })[0]).toBe(200));

  it('is given with If-Range only while the copy is this very one, compared strongly', () => {
    const asked = (condition: string, etag?: string) =>
      portion({ Range: 'bytes=5-', 'If-Range': condition }, etag === undefined ? {} : { etag })[0];
    expect(asked('"a"', '"a"')).toBe(206);
    for (const [condition, etag] of [['"a"', '"b"'], ['W/"a"', 'W/"a"'], ['"a"', 'W/"a"'], ['"a"'], ['Fri, 01 May 2026 11:59:59 GMT', '"a"']] as const)
      expect(asked(condition, etag), condition).toBe(200); // prettier-ignore
  });
});

describe('a conditional read', () => {
  const ask = (headers: Record<string, string>, lastModified?: Date) => {
    const sent: Record<string, string> = {};
    const ctx = {
      method: 'GET',
      status: 200,
      get: (name: string) => headers[name] ?? '',
      set: (name: string, value: string) => void (sent[name] = value),
    };
    const answered = notModified(ctx as unknown as Parameters<typeof notModified>[0], {
      etag: 'W/"r7"',
      ...(lastModified && { lastModified }),
    });
    return { answered, status: ctx.status, sent };
  };
  const noon = new Date('2026-05-01T12:00:00.500Z');

  it('compares entity tags weakly', () => {
    for (const header of ['"r7"', 'W/"r7"', '"x", "r7"', '*'])
      expect(ask({ 'If-None-Match': header })).toMatchObject({ answered: true, status: 304, sent: { ETag: 'W/"r7"' } });
    for (const header of ['"r8"', 'r7', '"r77"', ''])
      expect(ask({ 'If-None-Match': header })).toMatchObject({ answered: false, status: 200 });
    expect(listsTag('"a,b", "r7"', '"a,b"')).toBe(true);
  });

  it('looks at the date only when no tag is given, to the second', () => {
    expect(ask({ 'If-Modified-Since': noon.toUTCString() }, noon).answered).toBe(true);
    expect(ask({ 'If-Modified-Since': 'Fri, 01 May 2026 11:59:59 GMT' }, noon).answered).toBe(false);
    expect(ask({ 'If-Modified-Since': noon.toUTCString(), 'If-None-Match': '"r6"' }, noon).answered).toBe(false);
    expect(ask({ 'If-Modified-Since': 'yesterday' }, noon).answered).toBe(false);
  });
});
