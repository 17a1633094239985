import type { DicomElement, DicomJson } from '../dicom/json.ts';
import { put } from '../table.ts';

/**
 * Attributes with the address of every left-out value made absolute: clients resolve relative ones in different
 * ways, or not at all.
 *
 * @param address URL of the instance
 */
export function absoluteBulk(attributes: DicomJson, address: string): DicomJson {
  const changed: DicomJson = {};
  for (const [tag, element] of Object.entries(attributes)) put(changed, tag, absoluteElement(element, address));
  return changed;
}

/** The same for attributes as JSON text, which PostgreSQL writes; quotes inside of values have a backslash before them. */
export function absoluteBulkText(attributes: string, address: string): string {
  return attributes.replaceAll('"BulkDataURI": "', `"BulkDataURI": "${address}/bulkdata/`);
}

function absoluteElement(element: DicomElement, address: string): DicomElement {
  if (element.BulkDataURI !== undefined)
    return { ...element, BulkDataURI: `${address}/bulkdata/${element.BulkDataURI}` };
  if (element.vr !== 'SQ' || !element.Value) return element;
  return { ...element, Value: (element.Value as DicomJson[]).map((item) => absoluteBulk(item, address)) };
}
