/** Thread body: checks one record for each message, or extracts its rows of the search index. */
import '../../core/sealed-prototype.ts';
import { parentPort } from 'node:worker_threads';
import type { Resource } from '@medplum/fhirtypes';
import { Problem, type ProblemCode } from '../../core/problem.ts';
import { indexRowsOf, type Site } from '../../core/search/index-extraction.ts';
import type { ValidationIssue } from '../../core/validation/validate-issue.ts';
import { issuesWith } from '../../core/validation/validate-profile.ts';

/** `content`: the record as JSON, because text goes to a thread faster than objects do. */
export type RecordTask =
  { kind: 'issues'; content: string; profiles: readonly string[] } | { kind: 'index'; content: string; site: Site };

export type RecordAnswer =
  { issues: ValidationIssue[] } | { rows: string } | { problem: { code: ProblemCode; message: string } };

parentPort?.on('message', (task: RecordTask) => parentPort!.postMessage(answer(task)));

function answer(task: RecordTask): RecordAnswer {
  try {
    const resource: unknown = JSON.parse(task.content);
    if (task.kind === 'issues') return { issues: issuesWith(resource, task.profiles) };
    return { rows: JSON.stringify(indexRowsOf(resource as Resource, task.site)) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: { code: error.code, message: error.message } };
  }
}
