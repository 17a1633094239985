import type { DataSource } from 'typeorm';
import type { AuditRow } from '../../core/access/audit-trail.ts';
import type { JobQueue } from '../../core/jobs.ts';
import type { RecordChecker } from '../../core/records/record-checker.ts';
import type { Stores, World } from '../../core/world.ts';
import { postgresAccounts } from './accounts/accounts.ts';
import { postgresAnalyses } from './models/analyses.ts';
import { postgresLinks } from './accounts/one-time-links.ts';
import { postgresRestrictions } from './accounts/restrictions.ts';
import { postgresPatientCodes } from './accounts/patient-codes.ts';
import { postgresPeople } from './accounts/people.ts';
import { postgresSessions } from './accounts/sessions.ts';
import { postgresFactors } from './accounts/second-factors.ts';
import { postgresRegistrationTokens } from './accounts/registration-tokens.ts';
import { postgresClients } from './accounts/smart-clients.ts';
import { postgresAudit, sharedAudit, type AuditStamp } from './audit/audit.ts';
import { withAuditEvents } from './audit/audit-events.ts';
import { postgresAuditLog } from './audit/audit-log.ts';
import { poolSql, type Sql } from './connection.ts';
import { postgresConfirmedAddresses } from './confirmed-addresses.ts';
import { postgresDeliveries } from './deliveries.ts';
import { postgresRelay } from './relay-state.ts';
import { postgresMedicationEntries } from './medication-entries.ts';
import { postgresModels } from './models/models.ts';
import { postgresRecords } from './records/records.ts';
import { postgresReportNumbers } from './report-numbers.ts';
import { postgresHeld } from './studies/held.ts';
import { postgresRemovals } from './studies/removals.ts';
import { postgresSite } from './site.ts';
import { postgresStudyWriting } from './studies/studies.ts';
import { postgresLateImages } from './studies/late-images.ts';
import { postgresStudySearch } from './studies/search.ts';
import { inTransaction } from './transaction.ts';

export interface StoreParts {
  /** Absolute address of the FHIR service, without a trailing slash. */
  baseUrl: string;
  /** IANA zone of the site. */
  timeZone: string;
  checker: RecordChecker;
  /** With what rows of the audit trail are dated and marked. */
  stamp: AuditStamp;
  /** A queue whose jobs exist exactly if the transaction that `sql` belongs to commits. */
  queue: (sql: Sql) => JobQueue;
}

/** The two ways to the tables: all stores on the pool, for reading, and all on one transaction. */
export function postgresUnits(
  dataSource: DataSource,
  { baseUrl, timeZone, checker, stamp, queue }: StoreParts,
): Pick<World, 'read' | 'transaction'> {
  const site = { publicUrl: baseUrl.replace(/\/fhir$/, ''), fhirBaseUrl: baseUrl, timeZone };
  const storesOn = (sql: Sql, audit = postgresAudit(sql, stamp)): Stores => ({
    records: withAuditEvents(postgresRecords(sql, { baseUrl, timeZone, checker }), sql, site),
    studies: { ...postgresStudyWriting(sql), ...postgresStudySearch(sql, { baseUrl, timeZone }) },
    held: postgresHeld(sql),
    removals: postgresRemovals(sql),
    lateImages: postgresLateImages(sql),
    accounts: postgresAccounts(sql),
    links: postgresLinks(sql),
    restricted: postgresRestrictions(sql),
    people: postgresPeople(sql),
    sessions: postgresSessions(sql),
    patientCodes: postgresPatientCodes(sql),
    factors: postgresFactors(sql),
    clients: postgresClients(sql),
    registrationTokens: postgresRegistrationTokens(sql),
    deliveries: postgresDeliveries(sql),
    relay: postgresRelay(sql),
    addresses: postgresConfirmedAddresses(sql),
    reportNumbers: postgresReportNumbers(sql),
    site: postgresSite(sql),
    medicationEntries: postgresMedicationEntries(sql),
    models: postgresModels(sql),
    analyses: postgresAnalyses(sql),
    jobs: queue(sql),
    audit,
    auditLog: postgresAuditLog(sql),
  });
  const sql = poolSql(dataSource);
  const trail = sharedAudit(sql, stamp);
  const reading = storesOn(sql, trail);
  return {
    read: (work) => work(reading),
    async transaction(work) {
      let refusals: AuditRow[] = [];
      try {
        return await inTransaction(dataSource, (own) => {
          refusals = [];
          return work(withoutRefusals(storesOn(own), refusals));
        });
      } finally {
        for (const row of refusals) await trail.append(row);
      }
    },
  };
}

/**
 * Rows about refused accesses wait until the transaction has ended, well or not: in it they would be rolled back with
 * what they tell of, and beside it each would need a second connection while this one is held.
 */
function withoutRefusals(stores: Stores, refusals: AuditRow[]): Stores {
  const append = async (row: AuditRow): Promise<void> => {
    if (row.outcome === 'refused') refusals.push(row);
    else await stores.audit.append(row);
  };
  return { ...stores, audit: { append } };
}
