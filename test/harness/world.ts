/** A world on a real database; what a test does not bring along is absent, and says so to whoever asks for it. */
import {
  askWhose,
  clinicalRules,
  followWrites,
  removalGuards,
  studyFollowers,
  studyMoveFollowers,
} from '../../server/core/clinical-rules.ts';
import type { JobQueue } from '../../server/core/jobs.ts';
import type { Settings } from '../../server/core/settings.ts';
import type { Surroundings, World } from '../../server/core/world.ts';
import type { AuditStamp } from '../../server/infrastructure/postgres/audit/audit.ts';
import type { Sql } from '../../server/infrastructure/postgres/connection.ts';
import { postgresUnits } from '../../server/infrastructure/postgres/units-of-work.ts';
import { secretBox } from '../../server/infrastructure/secret-box.ts';
import { recordChecker } from '../../server/infrastructure/threads/record-checker.ts';
import type { TestDatabase } from './database.ts';

export function testSettings(publicUrl: string, more: Partial<Settings> = {}): Settings {
  return {
    publicUrl,
    fhirBaseUrl: `${publicUrl}/fhir`,
    dicomwebBaseUrl: `${publicUrl}/dicomweb`,
    confidenceThreshold: 0.75,
    analyzeOnArrival: false,
    studyQuietSeconds: 60,
    studyQuietSecondsOf: new Map(),
    aiMostImages: 20,
    aiOrdersWorkList: true,
    timeZone: 'UTC',
    organizationName: 'Test Hospital',
    fourEyes: false,
    correctedResends: 'hold',
    trustedSenders: [],
    demo: false,
    removal: { retentionDays: 30, expiredRetentionDays: 7 },
    reportMail: 'always',
    webPush: true,
    deliveryRetentionDays: 365,
    registration: 'open',
    secondFactorRoles: [],
    mailCodes: true,
    freshFactorSeconds: 300,
    rememberDeviceDays: 30,
    ...more,
  };
}

/** @param parts further ports that the test needs, real ones. */
export function testWorld(
  database: TestDatabase,
  settings: Settings,
  parts: Partial<Surroundings> = {},
  queue: (sql: Sql) => JobQueue = () => nobody,
  stamp: AuditStamp = testStamp,
): World {
  const checker = recordChecker({ baseUrl: settings.fhirBaseUrl, timeZone: settings.timeZone });
  const site = { baseUrl: settings.fhirBaseUrl, timeZone: settings.timeZone };
  return {
    blobs: absent('blobs'),
    reader: absent('reader'),
    pixels: absent('pixels'),
    classifier: absent('classifier'),
    shadow: absent('shadow'),
    modelFiles: absent('modelFiles'),
    pdf: absent('pdf'),
    mailer: absent('mailer'),
    push: absent('push'),
    signer: absent('signer'),
    secrets: testSecrets,
    auditAnchors: absent('auditAnchors'),
    rules: clinicalRules,
    studyFollowers,
    askWhose,
    removalGuards,
    studyMoveFollowers,
    modelServes: () => Promise.resolve(),
    now: () => new Date(),
    checker,
    settings,
    ...parts,
    ...postgresUnits(database.dataSource, { ...site, checker, queue, stamp, followWrites }),
  };
}

/** Keys that are the same in every test. */
export const testSecrets = secretBox([Buffer.alloc(32, 'csss tests')]);
export const testStamp = { keys: testSecrets, now: () => new Date() };

/** Jobs that nobody takes: every study that grows owes one. */
const nobody: JobQueue = { enqueue: () => Promise.resolve(), lacking: () => Promise.resolve([]) };

function absent<Port extends object>(name: string): Port {
  const refuse = (): never => {
    throw new Error(`This test has no ${name}`);
  };
  return new Proxy({} as Port, { get: refuse });
}
