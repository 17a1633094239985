/** Attributes that a search of studies can be ordered by: those that a list of studies shows. */
const orderKeys = new Map([
  ['00080020', 'StudyDate'],
  ['00080050', 'AccessionNumber'],
  ['00081030', 'StudyDescription'],
  ['00100010', 'PatientName'],
  ['00100020', 'PatientID'],
  ['00201206', 'NumberOfStudyRelatedSeries'],
  ['00201208', 'NumberOfStudyRelatedInstances'],
]);

export const orderKeywords: readonly string[] = [...orderKeys.values()];

export function isOrderKey(path: string): boolean {
  return orderKeys.has(path);
}
