import type { Resource, ResourceType } from '@medplum/fhirtypes';
import type { StoredRecord } from '../../../core/records/record-store.ts';

/** A stored version as the tables give it. */
export interface RecordRow {
  type: ResourceType;
  id: string;
  version: number;
  updated: Date;
  method: StoredRecord['method'];
  content: string | null;
  patients: string[];
}

/** Of `record r` joined with `record_version v`. */
export const recordColumns = 'r.type, r.id, v.version, v.updated, v.method, v.content, v.patients';
/** Parses the text only when somebody looks at the resource: a read that is passed on needs just `json`. */
export function storedRecord(row: RecordRow): StoredRecord {
  const { content } = row;
  let parsed: Resource | undefined;
  return {
    resourceType: row.type,
    id: row.id,
    version: row.version,
    lastUpdated: row.updated,
    method: row.method,
    patients: row.patients,
    get resource() {
      return content === null ? undefined : (parsed ??= JSON.parse(content) as Resource);
    },
    ...(content !== null && { json: content }),
  };
}
