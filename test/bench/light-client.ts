import { Agent, request } from 'node:http';

/** As light as a client can be: what it costs is taken from the two that are measured. */
export const agent = new Agent({ keepAlive: true, maxSockets: 8 });

export interface LightAnswer {
  status: number;
  /** Bytes of the body. */
  length: number;
}

export function ask(
  url: string,
  headers: Record<string, string>,
  body?: { method: 'POST'; bytes: Buffer },
): Promise<LightAnswer> {
  return new Promise((done, fail) => {
    const sent = request(
      url,
      {
        agent,
        headers: { ...headers, ...(body && { 'Content-Length': body.bytes.length }) },
        ...(body && { method: body.method }),
      },
      (answer) => {
        let length = 0;
        answer.on('data', (chunk: Buffer) => (length += chunk.length));
        answer.on('end', () => done({ status: answer.statusCode ?? 0, length }));
        answer.on('error', fail);
      },
    );
    sent.on('error', fail);
    sent.end(body?.bytes);
  });
}
