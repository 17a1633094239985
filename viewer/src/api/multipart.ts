/** Reading `multipart/related` answers of WADO-RS (RFC 2387, PS3.18 8.6.1.2). */

export interface Part {
  headers: Record<string, string>;
  bytes: Uint8Array<ArrayBuffer>;
}

const newline = [13, 10];

/** @throws TypeError when the body does not have the shape that its Content-Type announces. */
export function partsOf(contentType: string, body: Uint8Array<ArrayBuffer>): Part[] {
  const boundary = parameter(contentType, 'boundary');
  if (boundary === undefined) throw new TypeError('The multipart answer names no boundary.');
  const delimiter = new TextEncoder().encode(`--${boundary}`);
  const parts: Part[] = [];
  let start = indexOf(body, delimiter, 0);
  while (start >= 0) {
    const after = start + delimiter.length;
    if (body[after] === 0x2d && body[after + 1] === 0x2d) return parts;
    const end = indexOf(body, [...newline, ...delimiter], after);
    if (end < 0) throw new TypeError('The multipart answer ends too early.');
    parts.push(partOf(body.subarray(after, end)));
    start = end + newline.length;
  }
  throw new TypeError('The multipart answer ends too early.');
}

function partOf(bytes: Uint8Array<ArrayBuffer>): Part {
  // A part without headers starts with the empty line at once.
  const separator = indexOf(bytes, [...newline, ...newline], 0);
  if (separator < 0) throw new TypeError('A part of the multipart answer has no end of headers.');
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, separator));
  const headers = head.split('\r\n').flatMap((line): [string, string][] => {
    const colon = line.indexOf(':');
    return colon > 0 ? [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]] : [];
  });
  return { headers: Object.fromEntries(headers), bytes: bytes.subarray(separator + 2 * newline.length) };
}

/** A parameter of a media type, quoted or not. */
export function parameter(mediaType: string, name: string): string | undefined {
  const match = mediaType.match(new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;\\s]*))`, 'i'));
  return match?.[1] ?? match?.[2];
}

function indexOf(haystack: Uint8Array, needle: ArrayLike<number>, from: number): number {
  const first = needle[0];
  if (first === undefined) return -1;
  for (let at = haystack.indexOf(first, from); at >= 0; at = haystack.indexOf(first, at + 1)) {
    let matched = 1;
    while (matched < needle.length && haystack[at + matched] === needle[matched]) matched += 1;
    if (matched === needle.length) return at;
  }
  return -1;
}
