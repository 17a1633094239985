import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { SHIPPED } from '../models/shipped.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

test('the start page is given the accuracy that the evaluation of the active model has, and on how many images', async () => {
  const { model } = (await (await fetch(`${server.url}/api/status`)).json()) as { model: Record<string, unknown> };
  const { internal } = SHIPPED.json<{
    internal: { accuracy: { value: number }; classes: { count: number }[] };
  }>('evaluation/evaluation.json');
  expect(model).toMatchObject({
    trained: true,
    accuracy: internal.accuracy.value,
    testImages: internal.classes.reduce((sum, { count }) => sum + count, 0),
  });
});
