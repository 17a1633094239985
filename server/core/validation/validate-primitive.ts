/**
 * R4 primitives (FHIR datatypes.html#primitive): JSON kind, lexical form, range.
 *
 * @returns what is wrong in words, or undefined. The value itself is never repeated: it may be health data.
 */
import { own } from '../table.ts';
export function primitiveFault(type: string, value: unknown): string | undefined {
  const check = own(checks, type);
  return check ? check(value) : `has the type ${type}, which R4 does not define`;
}

export const isPrimitive = (type: string): boolean => Object.hasOwn(checks, type);

const maxText = 1_048_576; // string: "no more than 1MB in size"
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;
const idForm = /^[A-Za-z0-9\-.]{1,64}$/;
const codeForm = /^[^\s]+(\s[^\s]+)*$/;
const uuidForm = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const anyUuidForm = /^urn:uuid:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const oidForm = /^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$/;
const dateForm = /^(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?$/;
const clock = '(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?';
const timeForm = new RegExp(`^${clock}$`);
const zonedForm = new RegExp(
  `^(\\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T${clock}(?:Z|[+-](?:(?:0\\d|1[0-3]):[0-5]\\d|14:00))$`,
);
const base64Form = /^[A-Za-z0-9+/]*={0,2}$/;

function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a JSON string';
  if (value.length === 0) return 'must not be empty';
  if (value.length > maxText) return 'is longer than 1 MB';
  if (controls.test(value)) return 'holds a control character';
  if (!value.isWellFormed()) return 'is not well-formed Unicode';
  // Blank text is allowed to the letter (datatypes.html#string: "SHOULD always contain non-whitespace content");
  // where the work needs words, the rule of the type asks for them.
  return undefined;
}

const matching = (form: RegExp, message: string) => (value: unknown) =>
  text(value) ?? (form.test(value as string) ? undefined : message);

function uri(value: unknown): string | undefined {
  const fault = text(value);
  if (fault) return fault;
  const written = value as string;
  if (/\s/.test(written)) return 'is a URI and must not hold white space';
  if (written.startsWith('urn:uuid:') && !anyUuidForm.test(written)) return 'is not a valid urn:uuid';
  if (written.startsWith('urn:oid:') && !oidForm.test(written)) return 'is not a valid urn:oid';
  return undefined;
}

function whole(from: number, words: string) {
  return (value: unknown) =>
    typeof value === 'number' && Number.isInteger(value) && value >= from && value <= 2_147_483_647
      ? undefined
      : `must be a JSON number, whole, ${words}`;
}

const dayExists = (parts: RegExpExecArray): boolean =>
  parts[1] !== '0000' &&
  (!parts[3] || Number(parts[3]) <= new Date(Date.UTC(Number(parts[1]), Number(parts[2]), 0)).getUTCDate());

function dated(forms: RegExp[], message: string) {
  return (value: unknown) => {
    const fault = text(value);
    if (fault) return fault;
    for (const form of forms) {
      const parts = form.exec(value as string);
      if (parts) return dayExists(parts) ? undefined : 'names a day that does not exist';
    }
    return message;
  };
}

function base64(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a JSON string';
  if (value.length === 0) return 'must not be empty';
  const packed = /\s/.test(value) ? value.replaceAll(/\s+/g, '') : value;
  return packed.length % 4 === 0 && base64Form.test(packed) ? undefined : 'is not base64';
}

const checks: Record<string, (value: unknown) => string | undefined> = {
  boolean: (value) => (typeof value === 'boolean' ? undefined : 'must be a JSON boolean'),
  integer: whole(-2_147_483_648, 'of 32 bits'),
  unsignedInt: whole(0, 'zero or more'),
  positiveInt: whole(1, 'one or more'),
  decimal: (value) => (typeof value === 'number' && Number.isFinite(value) ? undefined : 'must be a JSON number'),
  string: text,
  markdown: text,
  // The XHTML of a narrative is checked by validate-narrative.ts; here only that it is text.
  xhtml: text,
  code: matching(codeForm, 'is a code: no white space at the ends, none doubled'),
  id: matching(idForm, 'is an id: 1 to 64 of A-Z a-z 0-9 - .'),
  uri,
  url: uri,
  canonical: uri,
  uuid: matching(uuidForm, 'is not a urn:uuid in lower case'),
  oid: matching(oidForm, 'is not a valid urn:oid'),
  base64Binary: base64,
  date: dated([dateForm], 'is not a date (YYYY, YYYY-MM or YYYY-MM-DD)'),
  dateTime: dated([dateForm, zonedForm], 'is not a dateTime (a time needs seconds and a zone)'),
  instant: dated([zonedForm], 'is not an instant (date, time with seconds, zone)'),
  time: matching(timeForm, 'is not a time (hh:mm:ss)'),
};
