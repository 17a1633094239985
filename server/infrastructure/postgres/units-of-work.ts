import type { DataSource } from 'typeorm';
import type { AuditRow, AuditTrail } from '../../core/access/audit-trail.ts';
import type { JobQueue } from '../../core/jobs.ts';
import type { RecordChecker } from '../../core/records/record-checker.ts';
import type { StoredRecord } from '../../core/records/record-store.ts';
import type { Stores, World } from '../../core/world.ts';
import { postgresAccounts } from './accounts/accounts.ts';
import { postgresAnalyses } from './models/analyses.ts';
import { postgresLinks } from './accounts/one-time-links.ts';
import { postgresRestrictions } from './accounts/restrictions.ts';
import { postgresPatientCodes } from './accounts/patient-codes.ts';
import { postgresPeople } from './accounts/people.ts';
import { postgresPreferences } from './accounts/preferences.ts';
import { postgresSessions } from './accounts/sessions.ts';
import { postgresDrafts } from './accounts/drafts.ts';
import { postgresFactors } from './accounts/second-factors.ts';
import { postgresRegistrationTokens } from './accounts/registration-tokens.ts';
import { postgresClients } from './accounts/smart-clients.ts';
import { postgresRemoteAes } from './accounts/remote-aes.ts';
import { sharedAudit, transactionAudit, type AuditStamp } from './audit/audit.ts';
import { withAuditEvents } from './audit/audit-events.ts';
import { postgresAuditLog } from './audit/audit-log.ts';
import { poolSql, type Sql } from './connection.ts';
import { postgresConfirmedAddresses } from './confirmed-addresses.ts';
import { postgresDeliveries } from './deliveries.ts';
import { postgresNotices } from './notices/notices.ts';
import { postgresPushSubscriptions } from './notices/push-subscriptions.ts';
import { postgresRelay } from './relay-state.ts';
import { postgresMedicationEntries } from './medication-entries.ts';
import { postgresModels } from './models/models.ts';
import { postgresNews } from './news/news-store.ts';
import { postgresRecords } from './records/records.ts';
import { postgresShares } from './shares.ts';
import { postgresReportNumbers } from './report-numbers.ts';
import { postgresHeld } from './studies/held.ts';
import { postgresNonPatient } from './studies/non-patient.ts';
import { postgresRemovals } from './studies/removals.ts';
import { postgresSite } from './site.ts';
import { postgresStudyWriting } from './studies/studies.ts';
import { postgresLateImages } from './studies/late-images.ts';
import { postgresStudySearch } from './studies/search.ts';
import { postgresUploadedStudies } from './studies/uploaded-studies.ts';
import { postgresUnsettled } from './studies/unsettled.ts';
import { inTransaction } from './transaction.ts';
import { postgresWorkRows } from './work/work-rows.ts';

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
  /** Called when a transaction has committed that may have told something. */
  committed?: () => void;
  /** Hears which records a transaction has written, when all else in it is done. */
  followWrites(stores: Stores, written: readonly StoredRecord[], baseUrl: string): Promise<void>;
}

/** The two ways to the tables: all stores on the pool, for reading, and all on one transaction. */
export function postgresUnits(
  dataSource: DataSource,
  { baseUrl, timeZone, checker, stamp, queue, committed, followWrites }: StoreParts,
): Pick<World, 'read' | 'transaction'> & { flushAudit(): Promise<void> } {
  const site = { publicUrl: baseUrl.replace(/\/fhir$/, ''), fhirBaseUrl: baseUrl, timeZone };
  const storesOn = (sql: Sql, audit: AuditTrail): Stores => ({
    records: withAuditEvents(postgresRecords(sql, { baseUrl, timeZone, checker }), sql, site),
    studies: { ...postgresStudyWriting(sql), ...postgresStudySearch(sql, { baseUrl, timeZone }) },
    held: postgresHeld(sql),
    removals: postgresRemovals(sql),
    nonPatient: postgresNonPatient(sql),
    uploads: postgresUploadedStudies(sql),
    unsettled: postgresUnsettled(sql),
    lateImages: postgresLateImages(sql),
    workRows: postgresWorkRows(sql, { baseUrl, timeZone }),
    accounts: postgresAccounts(sql),
    links: postgresLinks(sql),
    restricted: postgresRestrictions(sql),
    people: postgresPeople(sql),
    preferences: postgresPreferences(sql),
    sessions: postgresSessions(sql),
    patientCodes: postgresPatientCodes(sql),
    factors: postgresFactors(sql),
    drafts: postgresDrafts(sql),
    notices: postgresNotices(sql),
    pushes: postgresPushSubscriptions(sql),
    clients: postgresClients(sql),
    remoteAes: postgresRemoteAes(sql),
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
    news: postgresNews(sql),
    shares: postgresShares(sql),
    audit,
    auditLog: postgresAuditLog(sql),
  });
  const sql = poolSql(dataSource);
  const trail = sharedAudit(sql, stamp);
  const reading = storesOn(sql, trail);
  return {
    flushAudit: trail.flush,
    read: (work) => work(reading),
    async transaction(work) {
      let refusals: AuditRow[] = [];
      try {
        const result = await inTransaction(dataSource, async (own) => {
          refusals = [];
          const written: StoredRecord[] = [];
          const audit = transactionAudit(own, stamp);
          const stores = noting(withoutRefusals(storesOn(own, audit), refusals), written);
          const made = await work(stores);
          if (written.length > 0) await followWrites(stores, written, baseUrl);
          await audit.flush();
          return made;
        });
        committed?.();
        return result;
      } finally {
        for (const row of refusals) await trail.append(row);
      }
    },
  };
}

/** The same stores, with a list of the records that are put. */
function noting(stores: Stores, written: StoredRecord[]): Stores {
  const put: Stores['records']['put'] = async (record) => {
    await stores.records.put(record);
    written.push(record);
  };
  return { ...stores, records: { ...stores.records, put } };
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
