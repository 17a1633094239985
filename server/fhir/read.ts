/** read and vread (FHIR http.html#read, #vread): GET [base]/[type]/[id] and .../_history/[vid], conditional by If-None-Match and If-Modified-Since. */
import type { ResourceType } from '@medplum/fhirtypes';
import type { StoredRecord } from '../core/records/record-store.ts';
import { Problem } from '../core/problem.ts';
import { entityTag } from '../core/records/entity-tag.ts';
import { parseSearch, type Parameters } from '../core/search/parse-search.ts';
import { read as readRecord, readVersion } from '../core/records/read.ts';
import { isWhole, subset } from '../core/search/subset.ts';
import { readOptions, type Answer, type ReadExchange } from './exchange.ts';
import { isCurrent, type Conditions, type Validators } from '../http/answer/conditional.ts';

export const validatorsOf = ({ version, lastUpdated }: StoredRecord): Validators => ({
  etag: entityTag(version),
  lastModified: lastUpdated,
});

/** `_summary` and `_elements` apply to a read too (FHIR search.html#summary). */
export async function read(
  exchange: ReadExchange,
  type: ResourceType,
  id: string,
  parameters: Parameters,
  conditions: Conditions,
): Promise<Answer> {
  return shown(await recordOf(exchange, type, id), parameters, conditions);
}

/** The answer to a read of a record that was read already. */
export function shown(record: StoredRecord, parameters: Parameters, conditions: Conditions): Answer {
  if (isCurrent(conditions, validatorsOf(record))) return { status: 304, record };
  const shape = parameters.filter(([name]) => name === '_summary' || name === '_elements');
  const { summary, elements } = parseSearch(record.resourceType, shape);
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
  return shownVersion(await versionOf(exchange, type, id, version), conditions);
}

export function shownVersion(record: StoredRecord, conditions: Conditions): Answer {
  return isCurrent(conditions, validatorsOf(record)) ? { status: 304, record } : asStored(record);
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

export function recordOf(exchange: ReadExchange, type: ResourceType, id: string): Promise<StoredRecord> {
  return readRecord(exchange.world, exchange.principal, type, id, readOptions(exchange));
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
