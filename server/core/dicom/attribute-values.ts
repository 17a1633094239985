import type { DicomElement, DicomJson, PersonName } from './json.ts';
import { own } from '../table.ts';

/** First value of an attribute as text, or undefined when it is absent or empty. Control characters become spaces. */
export function text(attributes: DicomJson | undefined, tag: string): string | undefined {
  return texts(attributes, tag)[0];
}

/** All values of an attribute that are text or numbers. */
export function texts(attributes: DicomJson | undefined, tag: string): string[] {
  const found: string[] = [];
  for (const value of own(attributes, tag)?.Value ?? []) {
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    const clean = printable(String(value));
    if (clean !== '') found.push(clean);
  }
  return found;
}

/** First value of an attribute, if it is a whole number. */
export function integer(attributes: DicomJson | undefined, tag: string): number | undefined {
  const value = own(attributes, tag)?.Value?.[0];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

export function items(attributes: DicomJson | undefined, tag: string): DicomJson[] {
  const element: DicomElement | undefined = own(attributes, tag);
  return element?.vr === 'SQ' ? ((element.Value ?? []) as DicomJson[]) : [];
}

export function persons(attributes: DicomJson | undefined, tag: string): PersonName[] {
  const element: DicomElement | undefined = own(attributes, tag);
  if (element?.vr !== 'PN') return [];
  return (element.Value ?? []).filter((value): value is PersonName => typeof value === 'object' && value !== null);
}

/** For people and for FHIR strings, which allow no control characters but tab and line ends, and no half characters. */
export function printable(value: string): string {
  return value
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim();
}
