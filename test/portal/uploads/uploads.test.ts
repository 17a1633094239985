import type { ImagingStudy, Task } from '@medplum/fhirtypes';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller, type Caller } from '../../harness/calls.ts';
import { startTestServer, type TestServer } from '../../harness/server.ts';
import { uploader, type Uploader } from '../../harness/uploads.ts';

let server: TestServer;
let patient: Uploader;
let asPatient: Caller;
let asDoctor: Caller;

beforeAll(async () => {
  server = await startTestServer({ environment: { STUDY_QUIET_SECONDS: '1' } });
  const token = (await server.signIn('patient')).access_token;
  patient = uploader(server, token);
  asPatient = caller(server, token);
  asDoctor = caller(server, (await server.signIn('doctor')).access_token);
});
afterAll(() => server.stop());

const film = (seed: number, width = 320, height = 240) =>
  sharp(Buffer.from(Uint8Array.from({ length: width * height }, (_, i) => (i * seed) & 0xff)), {
    raw: { width, height, channels: 1 },
  });

test('smoke', async () => {
  const [outcome] = await patient.bring([await film(3).jpeg().toBuffer()], { modality: 'DX', bodyPart: 'CHEST' });
  console.log(outcome);
  expect(outcome?.state).toBe('stored');
  const study = await asPatient.json<ImagingStudy>(`/fhir/ImagingStudy/${outcome!.study}`);
  console.log(JSON.stringify(study, null, 1));
  const tasks = await asDoctor.search<Task>(`Task?focus=ImagingStudy/${outcome!.study}`);
  console.log(tasks.length);
});
