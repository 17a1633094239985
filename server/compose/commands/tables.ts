import { Problem } from '../../core/problem.ts';
import { reindexRecords } from '../../infrastructure/postgres/records/reindex.ts';
import { migrateDatabase } from '../migrate-database.ts';
import { remakeWorkRows } from '../../core/workflow/work/remake-work-rows.ts';
import { noted, type Command } from './command.ts';

export const migrate: Command = {
  summary: 'brings the database to this release, as "npm run migrate" does',
  run: (line) => migrateDatabase(line.start, line.say),
};

export const reindex: Command = {
  summary:
    'extracts anew what every record is found by, and makes the lists of work anew; goes on where a run was cut short',
  async run(line) {
    const { world, dataSource, unlessBusy, workRows } = await line.open();
    const onProgress = (records: number) => line.say(`  ${records} records ...`);
    const done = await unlessBusy('reindex', () => reindexRecords(dataSource, world.checker, onProgress));
    if (!done) throw new Problem('conflict', 'Another process re-indexes at this moment. Wait until it has ended.');
    const { records, changed, resumed } = done;
    await world.read(({ audit }) => audit.append(noted(line, 'records:reindex', [`changed ${changed}`])));
    if (resumed) line.say('An earlier run was cut short; this one went on where it had ended.');
    line.say(`${records} records were looked at; what ${changed} are found by was put right.`);
    const rows = await remakeWorkRows(workRows, { onProgress: (made) => line.say(`  ${made} reviews ...`) });
    line.say(`${rows} reviews were put into the lists of work anew.`);
  },
};
