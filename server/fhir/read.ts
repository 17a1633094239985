/** read and vread (FHIR http.html#read, #vread), HEAD included, conditional by If-None-Match and If-Modified-Since. */
import type { ResourceType } from '@medplum/fhirtypes';
import type { StoredRecord } from '../core/records/record-store.ts';
import { Problem } from '../core/problem.ts';
import { isFresh } from '../core/records/entity-tag.ts';
import { parseSearch, type Parameters } from '../core/search/parse-search.ts';
import { read as readRecord, readVersion } from '../core/records/read.ts';
import { isWhole, subset } from '../core/search/subset.ts';
import { readOptions, type Answer, type ReadExchange } from './exchange.ts';

export interface Conditions {
  ifNoneMatch?: string;
  ifModifiedSince?: string;
}

/** `_summary` and `_elements` apply to a read too (FHIR search.html#summary). */
export async function read(
  exchange: ReadExchange,
  type: ResourceType,
  id: string,
  parameters: Parameters,
  conditions: Conditions,
): Promise<Answer> {
  const record = await readRecord(exchange.world, exchange.principal, type, id, readOptions(exchange));
  if (isFresh(conditions, record)) return { status: 304, record };
  const shape = parameters.filter(([name]) => name === '_summary' || name === '_elements');
  const { summary, elements } = parseSearch(type, shape);
  if (isWhole(summary, elements)) return asStored(record, 'Content-Location');
  return { status: 200, record, resource: subset(record.resource!, summary, elements), located: 'Content-Location' };
}

export async function vread(
  exchange: ReadExchange,
  type: ResourceType,
  id: string,
  version: string,
  conditions: Conditions,
): Promise<Answer> {
  const record = await versionOf(exchange, type, id, version);
  if (isFresh(conditions, record)) return { status: 304, record };
  return asStored(record);
}

/** Sent as the text that is stored, and parsed only for a Bundle that takes it in. */
function asStored(record: StoredRecord, located?: 'Content-Location'): Answer {
  return {
    status: 200,
    record,
    ...(located && { located }),
    json: record.json,
    get resource() {
      return record.resource!;
    },
  };
}

export async function versionOf(
  exchange: ReadExchange,
  type: ResourceType,
  id: string,
  version: string,
): Promise<StoredRecord> {
  if (!/^[1-9]\d{0,8}$/.test(version)) throw new Problem('not-found', `${type} has no such version`);
  return readVersion(exchange.world, exchange.principal, type, id, Number(version), readOptions(exchange));
}
