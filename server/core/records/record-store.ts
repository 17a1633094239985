import type { Resource, ResourceType } from '@medplum/fhirtypes';
import type { Narrowing } from '../access/narrowing.ts';
import type { SearchQuery } from '../search/search-query.ts';

export interface StoredRecord {
  resourceType: ResourceType;
  id: string;
  /** 1, 2, 3 ...; FHIR `meta.versionId` is its decimal text. */
  version: number;
  lastUpdated: Date;
  /** How this version came to be (FHIR history `request.method`). */
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `meta.versionId` and `meta.lastUpdated` filled in; undefined for a deletion. Stored records parse it when it is first asked for. */
  resource: Resource | undefined;
  /** The same as JSON text, for whoever only passes it on. Set on records that come from the store. */
  json?: string;
  /** FHIR ids of the patients in whose compartment it lies. Set on records that come from the store. */
  patients?: readonly string[];
}

export interface RelatedRecord {
  resourceType: ResourceType;
  id: string;
  /** Of its first version. */
  created: Date;
}

export interface SearchPage {
  matches: StoredRecord[];
  /** `_include` and `_revinclude` results, already narrowed to what the caller may see. */
  included: StoredRecord[];
  /** Present when `_total=accurate`, `_summary=count` or `_count=0` asked for it. */
  total?: number;
  /** Opaque cursor of the next page (keyset, stable under inserts); undefined on the last. */
  next?: string;
  /** A cap cut the included resources short. */
  truncated?: boolean;
}

export interface RecordStore {
  /** The current version, deletions included; undefined if the id never existed or the caller may not see it. */
  read(type: ResourceType, id: string, narrowing: Narrowing): Promise<StoredRecord | undefined>;
  readVersion(type: ResourceType, id: string, version: number, narrowing: Narrowing): Promise<StoredRecord | undefined>;
  /** Which of these records, deleted ones included, the caller may see: as `read`, without their content. */
  visibleAmong(type: ResourceType, ids: readonly string[], narrowing: Narrowing): Promise<string[]>;
  /** Newest first; `type` and `id` narrow to type and instance history. */
  history(
    of: { type?: ResourceType; id?: string },
    page: { count: number; since?: Date; at?: Date; before?: string },
    narrowing: (type: ResourceType) => Narrowing | undefined,
  ): Promise<{ entries: StoredRecord[]; next?: string }>;
  /** Reads and locks the current version until the transaction ends (SELECT ... FOR UPDATE). */
  lock(type: ResourceType, id: string): Promise<StoredRecord | undefined>;
  /** Serialises writers that agree on a key (conditional create) until the transaction ends. */
  lockKey(key: string): Promise<void>;
  /** Appends a version, replaces the search index rows, and writes the change row, in one go. */
  put(record: StoredRecord): Promise<void>;
  /**
   * What else refers to a record by a search parameter (what a Provenance is about left out): how many, 1001 for more than
   * a thousand, and the first few that the narrowings let the caller see, as `Type/id`.
   */
  referrers(
    type: ResourceType,
    id: string,
    narrowing: (type: ResourceType) => Narrowing | undefined,
  ): Promise<{ count: number; seen: string[] }>;
  /**
   * Records that are about another one: current ones that refer to it where searches look, and for a Patient those
   * that lie in its compartment. Itself is not among them. Sorted, so that two who lock them never wait in a circle.
   */
  relatedTo(type: ResourceType, id: string, limit: number): Promise<RelatedRecord[]>;
  /** Whether a record of a type refers to one of these by that search parameter: a glance into the index. */
  isReferred(targets: readonly string[], by: { type: ResourceType; parameter: string }): Promise<boolean>;
  /** FHIR ids of Patients that are not active and linked to others, and about whom there are records nevertheless. */
  retiredWithRecords(limit: number): Promise<string[]>;
  search(query: SearchQuery, narrowing: (type: ResourceType) => Narrowing | undefined): Promise<SearchPage>;
}
