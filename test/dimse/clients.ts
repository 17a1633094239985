/** Two clients: dcmjs-dimse, which nobody here wrote, and our own calling side, which sends bytes as they are. */
import dcmjsDimse from 'dcmjs-dimse';
import type * as Dimse from 'dcmjs-dimse';
import { call } from '../../server/dimse/call.ts';
import { storeRequest } from '../../server/dimse/get.ts';
import type { Association } from '../../server/dimse/upper-layer/association.ts';
import { memorySource } from '../../server/core/dicom/byte-source.ts';
import { readFileMeta } from '../../server/core/dicom/part10.ts';

const { Client, Dataset, log, requests } = dcmjsDimse as unknown as typeof Dimse;
log.setLevel('silent');

export { Dataset, requests };

export interface Heard {
  status: number;
  elements: Record<string, unknown> | undefined;
  command: Record<string, unknown>;
}

type Request = InstanceType<typeof requests.Request>;

/** Sends requests in one association; resolves with all answers when it has ended. @throws with what refused or broke it. */
export function talk(port: number, sent: readonly Request[], options: { as?: string; to?: string; received?: unknown[]; cancelAfter?: number } = {}): Promise<Heard[]> {
  return new Promise((done, fail) => {
    const heard: Heard[] = [];
    const client = new Client();
    for (const request of sent) {
      request.on('response', (response: InstanceType<typeof dcmjsDimse.responses.Response>) => {
        heard.push({
          status: response.getStatus(),
          elements: response.getDataset()?.getElements() as Record<string, unknown> | undefined,
          command: response.getCommandDataset()!.getElements() as Record<string, unknown>,
        });
        if (heard.length === options.cancelAfter) client.cancel(request as InstanceType<typeof requests.CFindRequest>);
      });
      client.addRequest(request);
    }
    client.on('cStoreRequest', (request: InstanceType<typeof requests.CStoreRequest>, callback: (response: unknown) => void) => {
      options.received?.push(request.getDataset()!.getElements());
      const response = dcmjsDimse.responses.CStoreResponse.fromRequest(request);
      response.setStatus(0);
      callback(response);
    });
    client.on('associationRejected', (result: unknown) => fail(new Error(`rejected ${JSON.stringify(result)}`)));
    client.on('networkError', (error: Error) => fail(error));
    client.on('closed', () => done(heard));
    client.send('127.0.0.1', port, options.as ?? 'MODALITY', options.to ?? 'CSSS', { associationLingerTimeout: 0 });
  });
} // prettier-ignore

/** A Part 10 file taken apart. */
export function partsOf(file: Buffer): { sopClass: string; sopInstance: string; syntax: string; dataSet: Buffer } {
  const meta = readFileMeta(memorySource(file));
  return {
    sopClass: meta.mediaStorage.sopClass!,
    sopInstance: meta.mediaStorage.sopInstance!,
    syntax: meta.TransferSyntaxUID,
    dataSet: file.subarray(meta.dataSetAt),
  };
}

/** Stores files by C-STORE as they are, each in a context of its own syntax; gives the statuses. */
export async function sendFiles(port: number, files: readonly Buffer[], options: { as?: string; piece?: number; sopInstance?: string } = {}): Promise<(number | string)[]> {
  const parts = files.map(partsOf);
  const association = await associated(port, parts.map(({ sopClass, syntax }) => ({ abstractSyntax: sopClass, transferSyntaxes: [syntax] })), options.as); // prettier-ignore
  const statuses: (number | string)[] = [];
  for (const { sopClass, sopInstance, syntax, dataSet } of parts) {
    const context = [...association.contexts.values()].find((one) => one.abstractSyntax === sopClass && one.transferSyntax === syntax); // prettier-ignore
    if (!context) {
      statuses.push('no context');
      continue;
    }
    const request = storeRequest({ SOPClassUID: sopClass, SOPInstanceUID: options.sopInstance ?? sopInstance }, association.nextMessageId());
    await association.send(context, request, pieces(dataSet, options.piece ?? 100_000));
    const answer = await association.next();
    statuses.push(typeof answer === 'object' ? answer.command.Status! : 'gone');
  }
  await association.release();
  return statuses;
} // prettier-ignore

export function associated(
  port: number,
  contexts: { abstractSyntax: string; transferSyntaxes: string[] }[],
  as = 'MODALITY',
  roles: Parameters<typeof call>[3] = [],
): Promise<Association> {
  const ours = { title: as, tls: undefined, patienceMs: 20_000 };
  return call(ours, { title: 'CSSS', host: '127.0.0.1', port, tls: false }, contexts, roles);
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
