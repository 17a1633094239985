/** DICOMweb and FHIR over HTTP on one world, with what tests of removed images send and ask. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ImagingStudy, Task } from '@medplum/fhirtypes';
import Koa from 'koa';
import mount from 'koa-mount';
import { everything } from '../../server/core/access/narrowing.ts';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { Problem } from '../../server/core/problem.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { keyObjectSelection } from '../../server/core/studies/rejection-note.ts';
import { statusConcept } from '../../server/core/vocabulary/review-codes.ts';
import { reviewOfStudy } from '../../server/core/workflow/review-of-study.ts';
import { fhirFace } from '../../server/fhir/face.ts';
import { bearer } from '../../server/http/bearer.ts';
import { koaListener } from '../../server/http/koa-listener.ts';
import { requestId } from '../../server/http/request/request-id.ts';
import type { State } from '../../server/http/state.ts';
import { dicomFile, imageElements, imageFile, newUid, type Element, type ImageOptions } from '../harness/dicom-file.ts';
import { caller } from '../harness/records.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

export interface Stowed {
  status: number;
  stored: string[];
  /** Failure reasons, in order. */
  failed: number[];
  /** Warning reasons, in order. */
  warned: number[];
  warning: string;
}

export interface RemovalWorld extends DicomwebServer {
  stow(files: Uint8Array[], as?: string): Promise<Stowed>;
  remove(path: string, as?: string, reason?: string): Promise<{ status: number; code: string; message: string }>;
  restore(id: string, parameters: object[], as?: string): Promise<{ status: number; text: string }>;
  /** SOP Instance UIDs that QIDO-RS lists. */
  listed(study: string, as?: string): Promise<string[]>;
  imagingStudy(study: string): Promise<ImagingStudy>;
  coordination(study: string): Promise<Task & { id: string }>;
  /** As a review is when its doctor has asked for a new image. */
  endReview(study: string): Promise<void>;
  /** Status of each way to the bytes of an instance: itself, its metadata, a frame, rendered, thumbnail. */
  ways(study: string, series: string, instance: string, as?: string): Promise<number[]>;
}

export async function removalWorld(): Promise<RemovalWorld> {
  const server = await dicomwebServer();
  const { world, callers } = server;
  const doctor = { role: 'doctor', fhirUser: 'Practitioner/d' } as const;
  for (const [name, principal] of Object.entries({
    doctor: caller('user/*.cruds', doctor),
    'reading-doctor': caller('user/*.rs', doctor),
    admin: caller('user/*.cruds', { role: 'admin', fhirUser: 'Practitioner/a' }),
    pharmacist: caller('user/*.cruds', { role: 'pharmacist', fhirUser: 'Practitioner/p' }),
    patient: caller('patient/*.cruds', { role: 'patient', patient: 'p', fhirUser: 'Patient/p' }),
    deleter: caller('system/ImagingStudy.d', { kind: 'client' }),
    keeper: caller('system/ImagingStudy.crus', { kind: 'client' }),
    adder: caller('system/ImagingStudy.c', { kind: 'client' }),
  }))
    callers.set(name, principal);
  const fhir = await fhirBeside(server);

  const imagingStudy = async (study: string) => {
    const [row] = await server.database.sql.query<{ id: string }>(
      `select imaging_study_id as id from study where study_uid = $1`,
      [study],
    );
    const record = await world.read(({ records }) => records.read('ImagingStudy', row!.id, everything));
    return record!.resource as ImagingStudy;
  };
  const coordination = async (study: string) => {
    const { id } = await imagingStudy(study);
    return (await world.read((stores) => reviewOfStudy(stores, id!)))!;
  };

  return {
    ...server,
    imagingStudy,
    coordination,
    async stow(files, as = 'all') {
      const body = Buffer.concat([
        ...files.flatMap((file) => [Buffer.from('\r\n--xYz\r\nContent-Type: application/dicom\r\n\r\n'), file]),
        Buffer.from('\r\n--xYz--\r\n'),
      ]);
      const reply = await fetch(`${server.base}/studies`, {
        method: 'POST',
        headers: {
          'Content-Type': 'multipart/related; type="application/dicom"; boundary=xYz',
          Authorization: `Bearer ${as}`,
          Accept: 'application/dicom+json',
        },
        body,
      });
      const response = (await reply.json()) as DicomJson;
      const items = (tag: string) => (response[tag]?.Value ?? []) as DicomJson[];
      const numbers = (tag: string, inside: string) =>
        items(tag).flatMap((item) => (item[inside]?.Value ?? []) as number[]);
      return {
        status: reply.status,
        stored: items('00081199').map((item) => item['00081155']!.Value![0] as string),
        failed: numbers('00081198', '00081197'),
        warned: numbers('00081199', '00081196'),
        warning: reply.headers.get('Warning') ?? '',
      };
    },
    async remove(path, as = 'all', reason = '?reason=113001') {
      const reply = await server.get(`${path}${reason}`, { method: 'DELETE', as });
      return { status: reply.status, ...(reply.body.length > 0 && reply.json<object>()) } as never;
    },
    async restore(id, parameter, as = 'admin') {
      const reply = await fetch(`${fhir.base}/ImagingStudy/${id}/$restore`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/fhir+json', Authorization: `Bearer ${as}` },
        body: JSON.stringify({ resourceType: 'Parameters', parameter }),
      });
      return { status: reply.status, text: await reply.text() };
    },
    async listed(study, as = 'all') {
      const reply = await server.get(`/studies/${study}/instances`, { as });
      return reply.json().map((match) => match['00080018']!.Value![0] as string);
    },
    async endReview(study) {
      const resource = {
        ...(await coordination(study)),
        status: 'failed' as const,
        businessStatus: statusConcept('REJECTED'),
      };
      await writeInTransaction(world, systemPrincipal('test'), { method: 'update', id: resource.id, resource });
    },
    async ways(study, series, instance, as = 'all') {
      const path = `/studies/${study}/series/${series}/instances/${instance}`;
      const asked = [['', '*/*'], ['/metadata', '*/*'], ['/frames/1', '*/*'], ['/rendered', 'image/png'], ['/thumbnail', 'image/png']]; // prettier-ignore
      return Promise.all(
        asked.map(async ([end, accept]) => (await server.get(path + end, { as, accept: accept! })).status),
      );
    },
    async close() {
      await fhir.close();
      await server.close();
    },
  };
}

async function fhirBeside({ world, callers, faults }: DicomwebServer) {
  const http = createServer();
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const face = fhirFace({
    world,
    bearer: bearer((token) => {
      const principal = callers.get(token);
      return principal ? Promise.resolve(principal) : Promise.reject(new Problem('login', 'The token is not known.'));
    }) as Koa.Middleware,
    smart: { authorizeUrl: `${world.settings.publicUrl}/a`, tokenUrl: `${world.settings.publicUrl}/t` },
    fault: (error) => faults.push(error),
  });
  const app = new Koa<State>();
  app.use(requestId());
  app.use(async (ctx, next) => {
    await next();
    if (ctx.status === 500) faults.push(ctx.state.fault);
  });
  app.use(mount('/fhir', face.routes() as unknown as Koa.Middleware));
  http.on('request', koaListener(app));
  return {
    base: `http://127.0.0.1:${(http.address() as AddressInfo).port}/fhir`,
    async close() {
      http.closeAllConnections();
      await new Promise((closed) => http.close(closed));
    },
  };
}

/** A study of two series, of two images and of one. */
export function studyOf(options: ImageOptions = {}) {
  const study = newUid();
  const names = [1, 2, 3].map((number) => ({
    series: `${study}.${number < 3 ? 1 : 2}`,
    instance: `${study}.9.${number}`,
    number,
  }));
  const files = names.map((name) => imageFile({ study, ...name, ...options }));
  const [a, b, c] = names.map(({ instance }) => instance) as [string, string, string];
  return { study, files, first: `${study}.1`, second: `${study}.2`, a, b, c };
}

/** A rejection note in a study of its own unless it is told which, about instances by their studies. */
export function note(
  code: string,
  about: Record<string, readonly string[]>,
  options: { study?: string; instance?: string; patientId?: string; scheme?: string; with?: readonly Element[] } = {},
): Buffer {
  const { study = Object.keys(about)[0] ?? newUid(), instance = newUid(), scheme = 'DCM', patientId } = options;
  const references = Object.entries(about).map(([uid, instances]): Element[] => [
    ['00081115', 'SQ', [[['00081199', 'SQ', instances.map((sop): Element[] => [['00081150', 'UI', '1.2.840.10008.5.1.4.1.1.2'], ['00081155', 'UI', sop]])], ['0020000E', 'UI', `${uid}.1`]]]],
    ['0020000D', 'UI', uid],
  ]); // prettier-ignore
  const own: Element[] = [
    ['00080016', 'UI', keyObjectSelection],
    ['0040A040', 'CS', 'CONTAINER'],
    ['0040A043', 'SQ', [[['00080100', 'SH', code], ['00080102', 'SH', scheme], ['00080104', 'LO', 'Title']]]],
    ['0040A050', 'CS', 'SEPARATE'],
    ['0040A375', 'SQ', references],
    ...(options.with ?? []),
  ]; // prettier-ignore
  const without = ['00080008', '00280002', '00280004', '00280010', '00280011', '00280100', '00280101', '00280102', '00280103', '7FE00010']; // prettier-ignore
  return dicomFile(
    imageElements({
      study,
      instance,
      modality: 'KO',
      with: own,
      without,
      ...(patientId !== undefined && { patientId }),
    }),
  );
}

export const reasonParameter = { name: 'reason', valueString: 'Deleted by mistake' };
