import { acceptRestore, verifyAudit } from '../../core/access/audit-chain.ts';
import { Problem } from '../../core/problem.ts';
import { expireAudit } from '../../infrastructure/postgres/audit/partitions.ts';
import { connect } from '../../infrastructure/postgres/connection.ts';
import { noted, type Command } from './command.ts';

export const auditVerify: Command = {
  summary: 'seals the audit trail and names rows that were changed, removed, inserted, copied or exchanged',
  async run(line) {
    const { world } = await line.open();
    await world.read(({ audit }) => audit.append(noted(line, 'audit:verify', [])));
    let told = performance.now();
    const check = await verifyAudit(world, {
      onProgress(checked, total) {
        if (performance.now() - told < 5_000) return;
        told = performance.now();
        line.say(`  ${checked} of ${total} rows ...`);
      },
    });
    for (const note of check.notes) line.say(note);
    for (const { kind, seq, to, text } of check.faults)
      line.print([kind, to === undefined ? seq : `${seq}-${to}`, text].join('\t'));
    line.say(`${check.checked} rows were looked at.`);
    if (check.found > 0)
      throw new Problem('conflict', `The audit trail has ${check.found} faults. What they mean is in docs/audit.md.`);
    line.say('The audit trail is whole.');
  },
};

export const auditExpire: Command = {
  summary: 'drops the months of the audit trail that are past AUDIT_RETENTION_MONTHS, as the owner of the tables',
  async run(line) {
    const { auditRetentionMonths: months, databaseOwnerUrl, databaseUrl } = line.config;
    if (months === 0)
      throw new Problem('conflict', 'AUDIT_RETENTION_MONTHS is 0: the audit trail is kept for ever. Set it first.');
    const { world, dataSource } = await line.open();
    const url = databaseOwnerUrl ?? databaseUrl;
    const owner = url === undefined ? dataSource : await connect(url, { poolSize: 1 });
    try {
      const gone = await expireAudit(owner, months, world);
      for (const name of gone) line.print(name);
      line.say(gone.length === 0 ? 'No month is past its retention.' : `${gone.length} months were dropped.`);
    } finally {
      if (owner !== dataSource) await owner.destroy();
    }
  },
};

export const auditAcceptRestore: Command = {
  summary: 'after a back-up was restored: says in the chain that what it lacks was lost for that reason',
  options: { reason: { type: 'string' } },
  required: ['reason'],
  async run(line, { reason }) {
    const { world } = await line.open();
    const lost = await acceptRestore(world, String(reason));
    await world.read(({ audit }) => audit.append(noted(line, 'audit:accept-restore', [`blocks ${lost}`])));
    line.say(lost === 0 ? 'Nothing is lacking.' : `${lost} blocks are known to be lost.`);
  },
};
