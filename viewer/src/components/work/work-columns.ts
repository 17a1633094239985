/** Columns of the lists of work, and what the server sorts them by. */
import type { WorkSort } from '../../api/work.ts';

export const workColumns = [
  'scan',
  'patient',
  'priority',
  'status',
  'prediction',
  'confidence',
  'aiConfidence',
  'diagnosis',
  'notes',
  'prescription',
  'uploaded',
  'verified',
  'prescribed',
  'submitted',
  'released',
  'report',
  'actions',
] as const;
export type WorkColumn = (typeof workColumns)[number];

/** Free text and buttons have no order that anybody looks for. */
export const sortOf: Partial<Record<WorkColumn, WorkSort>> = {
  scan: 'scan',
  patient: 'patient',
  priority: 'priority',
  status: 'status',
  prediction: 'finding',
  confidence: 'confidence',
  aiConfidence: 'confidence',
  uploaded: 'uploaded',
  verified: 'verified',
  released: 'released',
};

/** Take the whole width of the card on narrow screens, and wrap before they push the acts away. */
export const longColumns: ReadonlySet<WorkColumn> = new Set(['notes', 'prescription']);

export type Direction = 'ascending' | 'descending' | 'none';

export function directionOf(column: WorkColumn, sort: string): Direction {
  const by = sortOf[column];
  if (by === undefined) return 'none';
  return sort === by ? 'ascending' : sort === `-${by}` ? 'descending' : 'none';
}

/** Up, down, and as the list is by itself. */
export function nextSort(column: WorkColumn, sort: string): string {
  const by = sortOf[column] ?? '';
  return { none: by, ascending: `-${by}`, descending: '' }[directionOf(column, sort)];
}
