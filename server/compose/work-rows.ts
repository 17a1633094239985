import type { DataSource } from 'typeorm';
import type { Config } from '../config.ts';
import { remakeWorkRows, type WorkRowUnits } from '../core/workflow/work/remake-work-rows.ts';
import { poolSql } from '../infrastructure/postgres/connection.ts';
import { inTransaction } from '../infrastructure/postgres/transaction.ts';
import { postgresWorkRows } from '../infrastructure/postgres/work/work-rows.ts';

/** The rows of the lists of work on a database that has no world yet. */
export function workRowUnits(dataSource: DataSource, { publicUrl }: Pick<Config, 'publicUrl'>): WorkRowUnits {
  const baseUrl = publicUrl === undefined ? '' : `${publicUrl}/fhir`;
  const site = { baseUrl, timeZone: 'UTC' };
  const reading = { workRows: postgresWorkRows(poolSql(dataSource), site) };
  return {
    baseUrl,
    read: (work) => work(reading),
    transaction: (work) => inTransaction(dataSource, (sql) => work({ workRows: postgresWorkRows(sql, site) })),
  };
}

/** Before anybody looks: after the upgrade that brings the lists of work, each standing review gets its row. */
export async function fillWorkRows(
  dataSource: DataSource,
  config: Pick<Config, 'publicUrl'>,
  onProgress: (step: string) => void,
): Promise<number> {
  return remakeWorkRows(workRowUnits(dataSource, config), {
    lacking: true,
    onProgress: (rows) => onProgress(`preparing the lists of work (${rows} reviews)`),
  });
}
