/** Every problem that there is, thrown behind each face: none is without a row, and each says what its protocol knows. */
import { koaListener } from '../../server/http/koa-listener.ts';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa, { type Middleware } from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem, type ProblemCode } from '../../server/core/problem.ts';
import { reasonOf } from '../../server/core/studies/outcome.ts';
import { answerProblems } from '../../server/dicomweb/answer-problem.ts';
import { failureReason } from '../../server/core/studies/failure-reason.ts';
import { errors } from '../../server/fhir/errors.ts';
import { accessLog } from '../../server/http/access-log.ts';
import { statusOf } from '../../server/http/answer/problem-status.ts';
import type { State } from '../../server/http/state.ts';
import { oauthProblems } from '../../server/smart/answer-problem.ts';

const codes = Object.keys(statusOf) as ProblemCode[];
/** http://hl7.org/fhir/issue-type, as far as a server says them. */
const issueTypes = [
  'structure', 'required', 'value', 'invariant', 'login', 'expired', 'forbidden', 'not-supported', 'duplicate', 'multiple-matches',
  'not-found', 'deleted', 'too-long', 'code-invalid', 'too-costly', 'business-rule', 'conflict', 'transient', 'no-store', 'exception',
  'timeout', 'throttled',
]; // prettier-ignore

let http: Server;
let url: string;
beforeAll(async () => {
  const faces: Record<string, Middleware<State>> = {
    fhir: errors() as Middleware<State>,
    dicomweb: answerProblems(),
    smart: oauthProblems,
    none: (_ctx, next) => next(),
  };
  const app = new Koa<State>();
  app.use(accessLog(() => undefined));
  app.use((ctx) => {
    const [, face = '', code = ''] = ctx.path.split('/');
    return faces[face]!(ctx, () => {
      const retry = code === 'throttled' || code === 'transient' ? { retryAfter: 7 } : {};
      return Promise.reject(new Problem(code as ProblemCode, 'In words.', retry));
    }) as Promise<void>;
  });
  http = createServer(koaListener(app));
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterAll(async () => {
  http.closeAllConnections();
  await new Promise((done) => http.close(done));
});

async function answer(face: string, code: ProblemCode) {
  const response = await fetch(`${url}/${face}/${code}`);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  if (code === 'throttled' || code === 'transient') expect(response.headers.get('Retry-After')).toBe('7');
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe.each(codes)('the problem %s', (code) => {
  it('is an OperationOutcome with a code of FHIR to fhir', async () => {
    const { status, json } = await answer('fhir', code);
    expect([status >= 400 && status < 600, json['resourceType']]).toEqual([true, 'OperationOutcome']);
    const [issue] = json['issue'] as { severity: string; code: string; diagnostics: string }[];
    expect(issueTypes).toContain(issue!.code);
    expect(issue).toMatchObject({ severity: status >= 500 ? 'fatal' : 'error', diagnostics: 'In words.' });
  });

  it('is its own code to dicomweb, and of a file a failure reason', async () => {
    expect(await answer('dicomweb', code)).toMatchObject({
      status: statusOf[code],
      json: { code, message: 'In words.' },
    });
    expect(failureReason[reasonOf[code]]).toBeGreaterThan(0);
  });

  it('is an error of OAuth to smart', async () => {
    const { status, json } = await answer('smart', code);
    expect([status, json['error_description']]).toEqual([statusOf[code], 'In words.']);
    const expected =
      status === 401 ? /^(invalid_token|insufficient_user_authentication)$/ : status === 403 ? /^insufficient_scope$/ : status === 503 ? /^temporarily_unavailable$/ : /^(invalid_request|temporarily_unavailable|server_error)$/; // prettier-ignore
    expect(json['error']).toMatch(expected);
  });

  it('keeps its status where no face is asked', async () => {
    expect(await answer('none', code)).toMatchObject({ status: statusOf[code], json: { error: 'In words.' } });
  });
});
