import type { BatchAnswer, BatchItem, BatchQuestion, Opened, SessionSetup } from './inference-messages.ts';
import type { OpenSession } from './inference-session.ts';
import type { SessionPort } from './session-port.ts';

/**
 * The side of a session process: opens a session, says so, and answers batch after batch until the process is ended.
 * An image of the wrong size has no part in the run; a run that throws is tried again image by image. Where even
 * single images fail on an accelerator, the accelerator is lost and nothing is said about the images.
 */
export async function serveSession(
  port: SessionPort,
  setup: SessionSetup,
  open: (setup: SessionSetup) => Promise<OpenSession>,
): Promise<void> {
  try {
    const session = await open(setup);
    const { width, height } = setup.description.preprocessing;
    port.on('message', (question) => {
      const { images } = question as BatchQuestion;
      void answerBatch(session, images, width * height * 3).then((answer) => port.postMessage(answer));
    });
    port.postMessage({ ready: true, provider: session.provider, refused: session.refused } satisfies Opened);
  } catch (error) {
    port.postMessage({ ready: false, reason: error instanceof Error ? error.message : 'failed' } satisfies Opened);
  }
}

async function answerBatch(session: OpenSession, images: Uint8Array[], size: number): Promise<BatchAnswer> {
  const misfit: BatchItem = {
    problem: { code: 'structure', message: 'The image is not of the size that the model takes.' },
  };
  const fitting = images.filter(({ length }) => length === size);
  const found = fitting.length === 0 ? [] : await runTogether(session, fitting);
  if (!Array.isArray(found)) return found;
  return { answers: images.map(({ length }) => (length === size ? found.shift()! : misfit)) };
}

async function runTogether(session: OpenSession, images: Uint8Array[]): Promise<BatchItem[] | { lost: string }> {
  try {
    return (await session.run(images)).map((outputs) => ({ outputs }));
  } catch (error) {
    if (images.length > 1) return runApart(session, images);
    if (session.provider !== 'cpu') return { lost: reasonOf(error) };
    return [{ problem: { code: 'exception', message: 'The model failed on this image.' } }];
  }
}

async function runApart(session: OpenSession, images: Uint8Array[]): Promise<BatchItem[] | { lost: string }> {
  const items: BatchItem[] = [];
  for (const image of images) {
    const one = await runTogether(session, [image]);
    if (!Array.isArray(one)) return one;
    items.push(...one);
  }
  return items;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]!.slice(0, 200) : 'the run failed';
}
