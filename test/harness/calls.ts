import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle, Resource, Task } from '@medplum/fhirtypes';
import { multipart } from '../bench/ct-instances.ts';
import type { TestServer } from './server.ts';

/** HTTP calls of one caller, as a client would write them: no code of the server is used. */
export interface Caller {
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  send(method: string, path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Reads JSON and expects 200. */
  json<T>(path: string, headers?: Record<string, string>): Promise<T>;
  /** The resources that a search matched. */
  search<T extends Resource>(query: string): Promise<T[]>;
  patchTask(task: Task, operations: object[]): Promise<Response>;
  store(files: readonly Uint8Array[]): Promise<Response>;
}

export function caller(server: Pick<TestServer, 'url'>, token: string | undefined): Caller {
  const authorization: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const get: Caller['get'] = (path, headers = {}) =>
    fetch(server.url + path, { headers: { ...authorization, ...headers } });
  const json: Caller['json'] = async <T>(path: string, headers = {}) => {
    const answer = await get(path, headers);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const send: Caller['send'] = (method, path, body, headers = {}) =>
    fetch(server.url + path, {
      method,
      headers: { ...authorization, 'Content-Type': 'application/fhir+json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    get,
    send,
    json,
    async search<T extends Resource>(query: string) {
      const bundle = await json<Bundle>(`/fhir/${query}`);
      return (bundle.entry ?? []).filter(({ search }) => search?.mode === 'match').map(({ resource }) => resource as T);
    },
    patchTask: (task, operations) =>
      send('PATCH', `/fhir/Task/${task.id}`, operations, {
        'Content-Type': 'application/json-patch+json',
        'If-Match': `W/"${task.meta!.versionId}"`,
      }),
    store(files) {
      const { body, contentType } = multipart(files);
      return fetch(`${server.url}/dicomweb/studies`, {
        method: 'POST',
        headers: { ...authorization, 'Content-Type': contentType, Accept: 'application/dicom+json' },
        body: new Uint8Array(body),
      });
    },
  };
}

/** Asks until the answer is there; a worker needs its time. */
export async function eventually<T>(ask: () => Promise<T | undefined | false>, what: string, seconds = 60): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
  }
  throw new Error(`${what} did not happen within ${seconds} s`);
}

export const reviewStep = 'https://csss.example/fhir/CodeSystem/review-step';
export const reviewStatus = 'https://csss.example/fhir/CodeSystem/review-status';
export const reviewData = 'https://csss.example/fhir/CodeSystem/review-data';
export const scanFinding = 'https://csss.example/fhir/CodeSystem/scan-finding';

/** The open step Task of a kind for a study. */
export async function openStep(who: Caller, step: string, imagingStudyId: string): Promise<Task> {
  return eventually(async () => {
    const tasks = await who.search<Task>(
      `Task?code=${reviewStep}|${step}&focus=ImagingStudy/${imagingStudyId}&status=requested,accepted,in-progress,ready`,
    );
    return tasks[0];
  }, `an open ${step} Task`);
}

/** Claims a step and completes it with what it needs. */
export async function completeStep(who: Caller, task: Task, operations: object[]): Promise<Response> {
  const claimed = await who.patchTask(task, [{ op: 'replace', path: '/status', value: 'in-progress' }]);
  if (claimed.status !== 200) return claimed;
  return who.patchTask((await claimed.json()) as Task, [
    ...operations,
    { op: 'replace', path: '/status', value: 'completed' },
  ]);
}
