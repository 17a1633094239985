import Koa from 'koa';
import pg from 'pg';
import type { AddressInfo } from 'node:net';
import { expectStatus, measure, report } from './measure.ts';
import { startServer } from './server.ts';

const patients = 2000;

/** FHIR read and indexed search against the floor: Koa, one pg query on the primary key or an index, JSON out. No token, no audit. */
export async function fhirBench(): Promise<void> {
  const ours = await startServer();
  const authorization = await ours.authorization();
  const ids = await fill(ours.fhirUrl, authorization);
  const floor = await startFloor(ours.databaseUrl(), ids.length);
  const headers = { Authorization: authorization, Accept: 'application/fhir+json' };
  const get = (url: (index: number) => string, withHeaders: Record<string, string>) => async (index: number) => {
    await expectStatus(await fetch(url(index), { headers: withHeaders }), 200);
  };
  for (const callers of [1, 8]) {
    const [mineRead, floorRead] = await pair(
      get((index) => `${ours.fhirUrl}/Patient/${ids[index % ids.length]}`, headers),
      get((index) => `${floor.url}/read/${index % patients}`, {}),
      callers,
    );
    line(`FHIR read, ${callers} at once, p50 ms`, mineRead, floorRead);
    const [mineSearch, floorSearch] = await pair(
      get((index) => `${ours.fhirUrl}/Patient?identifier=urn:bench|${index % patients}`, headers),
      get((index) => `${floor.url}/search/${index % patients}`, {}),
      callers,
    );
    line(`FHIR search by identifier, ${callers} at once, p50 ms`, mineSearch, floorSearch);
  }
  await floor.stop();
  await ours.stop();
}

/** Interleaved rounds, so that a busy moment of the machine hits both. */
async function pair(
  mine: (index: number) => Promise<void>,
  floor: (index: number) => Promise<void>,
  callers: number,
): Promise<[number, number]> {
  const rounds = { mine: [] as number[], floor: [] as number[] };
  for (let round = 0; round < 5; round++) {
    rounds.mine.push((await measure(mine, 300, callers)).p50);
    rounds.floor.push((await measure(floor, 300, callers)).p50);
  }
  return [Math.min(...rounds.mine), Math.min(...rounds.floor)];
}

function line(name: string, mine: number, floor: number): void {
  report(name, mine.toFixed(2), `floor ${floor.toFixed(2)}`, `${(mine / floor).toFixed(2)}x (<= 2.5)`);
}

function patient(index: number): object {
  return {
    resourceType: 'Patient',
    identifier: [{ system: 'urn:bench', value: String(index) }],
    name: [{ family: `Family${index}`, given: ['Given'] }],
    gender: 'unknown',
    birthDate: '1970-01-01',
    telecom: [{ system: 'phone', value: `+1555${index}` }],
    address: [{ city: 'Town', line: ['1 Street'] }],
  };
}

async function fill(fhirUrl: string, authorization: string): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < patients; from += 200) {
    const entry = Array.from({ length: 200 }, (_, index) => ({
      resource: patient(from + index),
      request: { method: 'POST', url: 'Patient' },
    }));
    const answer = await fetch(fhirUrl, {
      method: 'POST',
      headers: { Authorization: authorization, 'Content-Type': 'application/fhir+json' },
      body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }),
    });
    const bundle = JSON.parse(Buffer.from(await expectStatus(answer, 200)).toString()) as {
      entry: { response: { location: string } }[];
    };
    ids.push(...bundle.entry.map(({ response }) => /Patient\/([^/]+)/.exec(response.location)![1]!));
  }
  return ids;
}

async function startFloor(databaseUrl: string, count: number): Promise<{ url: string; stop(): Promise<void> }> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  await pool.query(`create table floor (id int primary key, identifier text, content jsonb)`);
  for (let index = 0; index < count; index++)
    await pool.query(`insert into floor values ($1, $2, $3)`, [index, String(index), patient(index)]);
  await pool.query(`create index floor_identifier on floor (identifier)`);
  const app = new Koa();
  app.use(async (ctx) => {
    const [, kind, key] = ctx.path.split('/');
    const column = kind === 'read' ? 'id' : 'identifier';
    const { rows } = await pool.query(`select content from floor where ${column} = $1`, [
      kind === 'read' ? Number(key) : key,
    ]);
    ctx.body =
      kind === 'read'
        ? rows[0].content
        : { resourceType: 'Bundle', type: 'searchset', entry: rows.map((row) => ({ resource: row.content })) };
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.close();
      await pool.query(`drop table floor`);
      await pool.end();
    },
  };
}
