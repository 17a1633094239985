import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, describe, expect, it } from 'vitest';
import { fhirClient, queryString, withinBase } from '../../viewer/src/api/fhir.ts';
import { explanationOf, type RequestFailure } from '../../viewer/src/api/failure.ts';
import type { FreshSignIn } from '../../viewer/src/api/fresh-sign-in.ts';
import { authorizedFetch, type TokenSource } from '../../viewer/src/api/http.ts';
import {
  confirmationStateOf,
  handConfirmationOver,
  hearConfirmation,
} from '../../viewer/src/smart/confirmation-window.ts';
import { useStepUp } from '../../viewer/src/smart/step-up.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

/** A real HTTP server on a free port that answers as told. */
async function answering(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function tokens(first: string | undefined, renewed?: string): TokenSource {
  return { current: async () => first, renewed: async () => renewed };
}

async function failureOf(work: Promise<unknown>): Promise<RequestFailure> {
  return work.then(
    () => Promise.reject(new Error('it worked')),
    (thrown: RequestFailure) => thrown,
  );
}

describe('a request to the server', () => {
  it('carries the token', async () => {
    const base = await answering((request, response) =>
      response.end(JSON.stringify({ got: request.headers.authorization })),
    );
    const response = await authorizedFetch(tokens('abc'))(`${base}/fhir/metadata`);
    expect(await response.json()).toEqual({ got: 'Bearer abc' });
  });

  it('is sent again once with a renewed token when the first is refused', async () => {
    const seen: (string | undefined)[] = [];
    const base = await answering((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(request.headers.authorization === 'Bearer new' ? 200 : 401).end();
    });
    await authorizedFetch(tokens('old', 'new'))(base);
    expect(seen).toEqual(['Bearer old', 'Bearer new']);
  });

  it('fails as signed out when the renewed token is refused too, and is not sent a third time', async () => {
    let times = 0;
    const base = await answering((_request, response) => {
      times += 1;
      response.writeHead(401).end();
    });
    const failure = await failureOf(authorizedFetch(tokens('old', 'new'))(base));
    expect([failure.kind, times]).toEqual(['signed-out', 2]);
  });

  it('is not sent at all without a token', async () => {
    let times = 0;
    const base = await answering((_request, response) => {
      times += 1;
      response.end();
    });
    expect((await failureOf(authorizedFetch(tokens(undefined))(base))).kind).toBe('signed-out');
    expect(times).toBe(0);
  });

  it.each([
    [403, 'forbidden'],
    [404, 'not-found'],
    [409, 'conflict'],
    [410, 'gone'],
    [412, 'changed-elsewhere'],
    [413, 'too-large'],
    [422, 'invalid'],
    [429, 'busy'],
    [503, 'busy'],
    [500, 'server'],
  ])('answered with %i fails as %s', async (status, kind) => {
    const base = await answering((_request, response) => response.writeHead(status).end('<html>proxy page</html>'));
    const failure = await failureOf(authorizedFetch(tokens('abc'))(base));
    expect([failure.kind, failure.status, failure.explanation]).toEqual([kind, status, undefined]);
  });

  it('fails as offline when nobody listens', async () => {
    const base = await answering((_request, response) => response.destroy());
    expect((await failureOf(authorizedFetch(tokens('abc'))(base))).kind).toBe('offline');
  });

  it('is given up in time', async () => {
    const base = await answering(() => undefined);
    expect((await failureOf(authorizedFetch(tokens('abc'))(base, { timeout: 30 }))).kind).toBe('timeout');
  });

  it('carries the words, the reference and the waiting time of the refusal', async () => {
    const outcome = {
      resourceType: 'OperationOutcome',
      issue: [
        { severity: 'information', code: 'informational', diagnostics: 'Later.' },
        { severity: 'error', code: 'throttled', details: { text: 'Too many requests.' } },
      ],
    };
    const base = await answering((_request, response) => {
      response.writeHead(429, { 'Retry-After': '7', 'X-Request-Id': 'r-1' }).end(JSON.stringify(outcome));
    });
    const failure = await failureOf(authorizedFetch(tokens('abc'))(base));
    expect([failure.explanation, failure.retryAfter, failure.requestId]).toEqual([
      'Too many requests. Later.',
      7,
      'r-1',
    ]);
  });
});

describe('the words of an OperationOutcome', () => {
  it.each([undefined, null, 'text', {}, { resourceType: 'OperationOutcome' }, { resourceType: 'Patient', issue: [] }])(
    'are not found in %j',
    (body) => expect(explanationOf(body)).toBeUndefined(),
  );
});

describe('the FHIR client', () => {
  it('names the version that it changes', async () => {
    let sent: Record<string, unknown> = {};
    const base = await answering((request, response) => {
      sent = {
        method: request.method,
        url: request.url,
        match: request.headers['if-match'],
        type: request.headers['content-type'],
      };
      response.end('{"resourceType":"Task","status":"accepted","intent":"order"}');
    });
    const fhir = fhirClient(authorizedFetch(tokens('abc')), `${base}/fhir`);
    const task = {
      resourceType: 'Task',
      id: 't1',
      status: 'requested',
      intent: 'order',
      meta: { versionId: '4' },
    } as const;
    await fhir.patch(task, [{ op: 'replace', path: '/status', value: 'accepted' }]);
    expect(sent).toEqual({
      method: 'PATCH',
      url: '/fhir/Task/t1',
      match: 'W/"4"',
      type: 'application/json-patch+json',
    });
  });

  it('repeats a parameter for a list and leaves undefined out', () => {
    expect(queryString({ code: 'a|b', _include: ['Task:patient', 'Task:focus'], status: undefined, _count: 20 })).toBe(
      'code=a%7Cb&_include=Task%3Apatient&_include=Task%3Afocus&_count=20',
    );
  });

  it('follows links and reads Binaries on its own server only', () => {
    const base = 'https://csss.test/fhir';
    expect(withinBase('Binary/1', base)).toBe('https://csss.test/fhir/Binary/1');
    expect(withinBase('https://csss.test/fhir?page=2', `${base}`)).toBe('https://csss.test/fhir?page=2');
    for (const foreign of [
      'https://evil.test/fhir/Binary/1',
      '//evil.test/x',
      'https://csss.test/fhirx',
      '../oidc/token',
      'javascript:alert(1)',
    ]) {
      expect(() => withinBase(foreign, base), foreign).toThrow(TypeError);
    }
  });

  it('does not take a page that is no JSON for an answer', async () => {
    const base = await answering((_request, response) => response.end('<html>'));
    const fhir = fhirClient(authorizedFetch(tokens('abc')), `${base}/fhir`);
    expect((await failureOf(fhir.read('Task', 't1'))).kind).toBe('server');
  });
});

describe('a request that asks for a fresh sign-in', () => {
  const challenge =
    'Bearer error="insufficient_user_authentication", error_description="Prove yourself.", acr_values="urn:two", max_age=300';

  /** Takes the token `fresh` only; keeps what it was sent. */
  async function particular(seen: string[]): Promise<string> {
    return answering((request, response) => {
      let body = '';
      request.on('data', (part) => (body += String(part)));
      request.on('end', () => {
        seen.push(`${request.method} ${request.headers.authorization} ${body}`);
        if (request.headers.authorization === 'Bearer fresh') return response.end('{}');
        response.writeHead(401, { 'WWW-Authenticate': challenge, 'Content-Type': 'application/fhir+json' });
        response.end(
          JSON.stringify({
            resourceType: 'OperationOutcome',
            issue: [{ severity: 'error', code: 'login', diagnostics: 'Prove yourself.' }],
          }),
        );
      });
    });
  }
  const withConfirmation = (token: string | undefined, asked: FreshSignIn[] = []): TokenSource => ({
    ...tokens('old', 'never asked for'),
    confirmed: async (wanted) => {
      asked.push(wanted);
      return token;
    },
  });

  it('asks the person as the server wants it, and is sent once more as it was', async () => {
    const seen: string[] = [];
    const asked: FreshSignIn[] = [];
    const send = authorizedFetch(withConfirmation('fresh', asked));
    const response = await send(await particular(seen), { method: 'POST', body: '{"typed":"all of it"}' });
    expect(response.ok).toBe(true);
    expect(asked).toEqual([{ acrValues: 'urn:two', maxAge: 300 }]);
    expect(seen).toEqual(['POST Bearer old {"typed":"all of it"}', 'POST Bearer fresh {"typed":"all of it"}']);
  });

  it('fails as unconfirmed when the person would rather not, without a second try and without renewing the token', async () => {
    const seen: string[] = [];
    const failure = await failureOf(authorizedFetch(withConfirmation(undefined))(await particular(seen)));
    expect([failure.kind, failure.explanation, seen.length]).toEqual(['unconfirmed', undefined, 1]);
  });

  it.each([
    ['is refused again with what the sign-in brought', withConfirmation('still too old'), 2],
    ['comes from where nobody can be asked', tokens('old', 'never asked for'), 1],
  ])('fails with the server’s sentence when it %s', async (_what, source, times) => {
    const seen: string[] = [];
    const failure = await failureOf(authorizedFetch(source)(await particular(seen)));
    expect([failure.kind, failure.explanation, seen.length]).toEqual(['unconfirmed', 'Prove yourself.', times]);
  });

  it('is one question for all that are refused at the same moment, and another one later', async () => {
    setActivePinia(createPinia());
    const stepUp = useStepUp();
    const [first, second] = [stepUp.ask({ maxAge: 300 }), stepUp.ask({ maxAge: 300 })];
    expect(stepUp.wanted).toEqual({ maxAge: 300 });
    stepUp.settle('fresh');
    expect([await first, await second, stepUp.wanted]).toEqual(['fresh', 'fresh', undefined]);
    const third = stepUp.ask({});
    stepUp.settle(undefined);
    expect(await third).toBeUndefined();
  });

  it('gets its answer through a channel, from the window whose request it was and from no other', async () => {
    const taken: string[] = [];
    const stop = hearConfirmation('mine', (address) => taken.push(address));
    const page = 'https://csss.test/signed-in?code=c&state=';
    expect(confirmationStateOf(`${page}mine;confirmation`)).toBe('mine');
    expect(confirmationStateOf(`${page}mine`)).toBeUndefined();
    expect(await handConfirmationOver('mine', `${page}mine;confirmation`)).toBe(true);
    expect(taken).toEqual([`${page}mine;confirmation`]);
    stop();
  });
});
