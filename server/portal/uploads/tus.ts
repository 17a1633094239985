/** Resumable uploads by tus 1.0 (https://tus.io/protocols/resumable-upload), with this server's own tokens, limits and refusals. */
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Server } from '@tus/server';
import { Problem, type ProblemCode } from '../../core/problem.ts';
import { isPicture, kindOf, tellingBytes, uploadTypes } from '../../core/studies/uploads/upload-kinds.ts';
import type { UploadLimits } from '../../core/studies/uploads/upload-limits.ts';
import { bodyOf } from '../../http/request/body.ts';
import type { Asked } from '../api/api-route.ts';

/** What the protocol needs of the place where parts are kept. */
export type PartShelf = ConstructorParameters<typeof Server>[0]['datastore'] & {
  newId(account: string, length: number): string;
  lengthOf(id: string, account: string): number | undefined;
  underWay(account: string): Promise<{ files: number; bytes: number }>;
  mustHaveRoom(bytes: number): Promise<void>;
};

export const uploadsPath = '/portal/uploads';
const version = '1.0.0';
const extensions = 'creation,creation-with-upload,expiration,termination';

/** Of the protocol; everything else that a client sends stays out, names of files above all. */
const passedOn = ['tus-resumable', 'upload-length', 'upload-offset', 'content-type'];
const passedBack = ['tus-resumable', 'upload-offset', 'upload-length', 'upload-expires', 'location'];

export type TusHandler = (asked: Asked) => Promise<void>;

/**
 * Answers the requests of the protocol for who is signed in. What a client says of a file decides nothing but the limit that is told
 * at once; its first bytes decide: a file of no kind that is taken is refused with its first part.
 *
 * @throws Problem `too-long` before the body is read, `media-type`, `no-store`, `throttled` (too much under way), `not-found` for what
 * is somebody else's.
 */
export function tusHandler(shelf: PartShelf, limits: UploadLimits): TusHandler {
  const faults = new WeakMap<Request, unknown>();
  const names = new WeakMap<Request, string>();
  const server = new Server({
    datastore: shelf,
    path: uploadsPath,
    relativeLocation: true,
    namingFunction: (request) => names.get(request as Request)!,
    onResponseError: (request, error) => void faults.set(request as Request, error),
  });

  async function pass(asked: Asked, id: string, body?: AsyncIterable<Uint8Array>): Promise<void> {
    const { ctx } = asked;
    const headers = new Headers();
    for (const name of passedOn) if (ctx.get(name) !== '') headers.set(name, ctx.get(name));
    const at = ctx.method === 'POST' ? uploadsPath : `${uploadsPath}/${id}`;
    const stream = body && (Readable.toWeb(Readable.from(body)) as ReadableStream<Uint8Array>);
    const request = new Request(`http://localhost${at}`, {
      method: ctx.method,
      headers,
      ...(stream && { body: stream as BodyInit, duplex: 'half' }),
    });
    names.set(request, id);
    const response = await server.handleWeb(request);
    if (response.status >= 400) throw problemOf(faults.get(request), response.status, await response.text());
    for (const name of passedBack) if (response.headers.has(name)) ctx.set(name, response.headers.get(name)!);
  }

  async function create(asked: Asked): Promise<void> {
    const { ctx, principal } = asked;
    const length = Number(/^\d{1,15}$/.exec(ctx.get('Upload-Length'))?.[0] ?? Number.NaN);
    if (!(length > 0)) throw new Problem('value', 'Upload-Length says how many bytes the file has, one at least.');
    mustFit(length, limits, declaredKind(ctx.get('Upload-Metadata')));
    const { files, bytes } = await shelf.underWay(principal.subject);
    if (files >= limits.accountFiles || bytes + length > limits.accountBytes)
      throw new Problem('throttled', 'Too much is under way already: store or remove what is uploaded first.', { retryAfter: 60 });
    await shelf.mustHaveRoom(length);
    await pass(asked, shelf.newId(principal.subject, length), hasBody(asked) ? await part(asked, length, 0) : undefined);
  } // prettier-ignore

  async function goOn(asked: Asked, id: string, length: number): Promise<void> {
    const offset = Number(/^\d{1,15}$/.exec(asked.ctx.get('Upload-Offset'))?.[0] ?? Number.NaN);
    if (!(offset <= length)) throw new Problem('value', 'Upload-Offset says where this part begins in the file.');
    try {
      await pass(asked, id, await part(asked, length, offset));
    } catch (error) {
      if (isFinal(error)) await shelf.remove(id).catch(() => undefined);
      throw error;
    }
  }

  /** The body, of which the beginning was looked at if it is that of the file. */
  async function part({ ctx }: Asked, length: number, offset: number): Promise<AsyncIterable<Uint8Array>> {
    const bytes = bodyOf(ctx.req, length - offset)[Symbol.asyncIterator]();
    if (offset > 0) return rest([], bytes);
    const begun = await beginning(bytes);
    const first = Buffer.concat(begun);
    // A part that breaks off before enough is here says nothing; the file is looked at again when it is stored.
    if (first.length >= Math.min(tellingBytes, length)) mustBeTaken(first, length, limits);
    return rest(begun, bytes);
  }

  return async (asked) => {
    const { ctx, principal, params } = asked;
    mustSpeakIt(ctx);
    if (ctx.method === 'POST') return create(asked);
    const id = params['id'] ?? '';
    const length = shelf.lengthOf(id, principal.subject);
    if (length === undefined) throw new Problem('not-found', 'There is no such upload.');
    return ctx.method === 'PATCH' ? goOn(asked, id, length) : pass(asked, id);
  };
}

/** What clients ask before they begin (the protocol's OPTIONS), without a token as they ask it. */
export function tusAbilities({ ctx }: Asked, limits: UploadLimits): void {
  ctx.set({ 'Tus-Resumable': version, 'Tus-Version': version, 'Tus-Extension': extensions, 'Tus-Max-Size': String(limits.fileBytes) }); // prettier-ignore
}

/** Each answer names the version, refusals too; a request of another one is told which is spoken here. */
function mustSpeakIt(ctx: Asked['ctx']): void {
  ctx.set('Tus-Resumable', version);
  if (ctx.get('Tus-Resumable') === version) return;
  ctx.set('Tus-Version', version);
  throw new Problem('lock-error', `Tus-Resumable must say ${version}.`);
}

/** `filetype` of the metadata: what a browser makes of a file's name. */
function declaredKind(metadata: string): string | undefined {
  const [, encoded] = /(?:^|,)\s*filetype ([A-Za-z0-9+/=]{1,400})\s*(?:,|$)/.exec(metadata) ?? [];
  const type = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('latin1');
  return uploadTypes.find(({ mediaType }) => mediaType === type)?.kind;
}

function mustFit(length: number, limits: UploadLimits, kind: string | undefined): void {
  const ofPicture = kind === 'jpeg' || kind === 'png';
  const most = ofPicture ? limits.pictureBytes : limits.fileBytes;
  if (length > most)
    throw new Problem('too-long', `${ofPicture ? 'A picture' : 'A file'} may have ${most} bytes at most.`);
}

function mustBeTaken(first: Uint8Array, length: number, limits: UploadLimits): void {
  const kind = kindOf(first.subarray(0, tellingBytes));
  if (kind === undefined || kind === 'two-kinds')
    throw new Problem(
      'media-type',
      'This is neither a JPEG or PNG picture nor a DICOM file nor a ZIP archive of those.',
    );
  mustFit(length, limits, isPicture(kind) ? kind : undefined);
}

const isFinal = (error: unknown): boolean =>
  error instanceof Problem && (error.code === 'media-type' || error.code === 'too-long');

const hasBody = ({ ctx }: Asked): boolean =>
  ctx.get('Content-Type') === 'application/offset+octet-stream' &&
  (ctx.get('Transfer-Encoding') !== '' || !['', '0'].includes(ctx.get('Content-Length')));

async function beginning(bytes: AsyncIterator<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for (let size = 0; size < tellingBytes;) {
    const { value, done } = await bytes.next();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  return chunks;
}

async function* rest(begun: Uint8Array[], bytes: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* begun;
  for (let next = await bytes.next(); !next.done; next = await bytes.next()) yield next.value;
}

const codes = new Map<number, ProblemCode>([
  [400, 'value'],
  [403, 'media-type'], // its word for a part of another content type
  [404, 'not-found'],
  [409, 'conflict'],
  [410, 'deleted'],
  [412, 'lock-error'],
  [413, 'too-long'],
  [415, 'media-type'],
  [423, 'conflict'],
]);

/** The library has refusals of its own, as plain text; ours come through it as they were thrown. */
function problemOf(fault: unknown, status: number, text: string): Problem {
  if (fault instanceof Problem) return fault;
  const code = codes.get(status);
  if (code) return new Problem(code, text.trim() || 'The upload was refused.');
  if (/aborted|stream/i.test(text)) return new Problem('structure', 'The part ended early; go on from where it ended.');
  return new Problem('exception', 'The part could not be kept.', { cause: fault });
}
