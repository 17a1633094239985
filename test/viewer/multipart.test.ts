import { describe, expect, it } from 'vitest';
import { parameter, partsOf } from '../../viewer/src/api/multipart.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe('a multipart/related answer', () => {
  const type = 'multipart/related; type="application/octet-stream"; boundary=b1';

  it('is split into its parts with their headers', () => {
    const body = bytes(
      '--b1\r\nContent-Type: application/octet-stream; transfer-syntax=1.2\r\nX: y\r\n\r\n\x00\xffab\r\n--b1\r\n\r\nsecond\r\n--b1--',
    );
    const [first, second] = partsOf(type, body);
    expect(first?.headers).toEqual({ 'content-type': 'application/octet-stream; transfer-syntax=1.2', x: 'y' });
    expect([...(first?.bytes ?? [])]).toEqual([0, 255, 97, 98]);
    expect(new TextDecoder().decode(second?.bytes)).toBe('second');
  });

  it('may hold line ends and near-boundaries in its bytes', () => {
    const inside = 'x\r\n--b\r\n--b0\r\n\r\ny';
    const [part] = partsOf(type, bytes(`--b1\r\nA: b\r\n\r\n${inside}\r\n--b1--\r\n`));
    expect(new TextDecoder().decode(part?.bytes)).toBe(inside);
  });

  it.each([
    ['ends in the middle', '--b1\r\nA: b\r\n\r\nhalf'],
    ['is empty', ''],
    ['has another boundary', '--b2\r\n\r\nx\r\n--b2--'],
    ['has no end of headers', '--b1\r\nA: b\r\n--b1--'],
  ])('is refused when it %s', (_what, body) => {
    expect(() => partsOf(type, bytes(body))).toThrow(TypeError);
  });

  it('is refused without a boundary', () => {
    expect(() => partsOf('multipart/related', bytes('--b1--'))).toThrow('boundary');
  });

  it('reads quoted and bare parameters', () => {
    expect(parameter('a/b; type="x/y"; boundary="b 1"', 'boundary')).toBe('b 1');
    expect(parameter('a/b;transfer-syntax=1.2.3', 'transfer-syntax')).toBe('1.2.3');
    expect(parameter('a/b', 'boundary')).toBeUndefined();
  });
});
