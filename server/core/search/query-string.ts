/** A query string as parameters: of a URL, of a form body, of If-None-Exist, of a conditional reference. */
import { Problem } from '../problem.ts';

/** `+` in the zone of a time is often sent bare, and then arrives as a space. */
const zoneWithSpace = /(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:\d{2})/g;

/** Of a form or a condition in a Bundle; an address is far shorter. Taking it apart must not hold up others. */
const longest = 262_144;

/** @throws Problem `too-costly` for more than anybody asks; `value` for a NUL or ill-formed Unicode, which no search value has. */
export function parseQueryString(written: string): [name: string, value: string][] {
  if (written.length > longest)
    throw new Problem('too-costly', `The parameters may have ${longest} characters at most; ask in several requests.`);
  return [...new URLSearchParams(written)].map(([name, value]) => {
    const text = name + value;
    if (text.includes('\0') || !text.isWellFormed())
      throw new Problem('value', 'A parameter holds a character that is not allowed');
    return [name, value.replaceAll(zoneWithSpace, '$1+$2')];
  });
}
