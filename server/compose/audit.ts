import type { DataSource } from 'typeorm';
import type { Surroundings } from '../core/world.ts';
import { keepAuditPartitions } from '../infrastructure/postgres/audit/partitions.ts';
import { connect } from '../infrastructure/postgres/connection.ts';
import type { Start } from './start.ts';

/**
 * Keeps the months of the audit trail: by the tables' owner where its address is given. Without it a server that may only add
 * to the trail makes new months and leaves those past their retention alone, which it says.
 */
export async function keepAudit(
  { config, log }: Pick<Start, 'config' | 'log'>,
  dataSource: DataSource,
  sealing: Pick<Surroundings, 'secrets' | 'signer' | 'now'>,
): Promise<number> {
  const { auditRetentionMonths: months, databaseOwnerUrl } = config;
  const leave = (key: string) =>
    log.warn(
      { key },
      'a month of the audit trail is past its retention and stays: only the owner of the tables can drop it',
    );
  if (databaseOwnerUrl === undefined) return keepAuditPartitions(dataSource, months, sealing, leave);
  const owner = await connect(databaseOwnerUrl, { poolSize: 1 });
  try {
    return await keepAuditPartitions(owner, months, sealing, leave);
  } finally {
    await owner.destroy();
  }
}
