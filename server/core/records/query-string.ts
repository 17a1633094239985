/** A query string as parameters: of a URL, of a form body, of If-None-Exist, of a conditional reference. */
import { Problem } from '../problem.ts';

/** `+` in the zone of a time is often sent bare, and then arrives as a space. */
const zoneWithSpace = /(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:\d{2})/g;

/** @throws Problem `value` for a NUL or ill-formed Unicode, which no search value has. */
export function parseQueryString(written: string): [name: string, value: string][] {
  return [...new URLSearchParams(written)].map(([name, value]) => {
    const text = name + value;
    if (text.includes('\0') || !text.isWellFormed())
      throw new Problem('value', 'A parameter holds a character that is not allowed');
    return [name, value.replaceAll(zoneWithSpace, '$1+$2')];
  });
}
