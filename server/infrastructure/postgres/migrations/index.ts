import type { MigrationInterface } from 'typeorm';
import { Foundation1764000001000 } from './0001-foundation.ts';
import { Records1764000002000 } from './0002-records.ts';
import { Studies1764000003000 } from './0003-studies.ts';
import { Accounts1764000004000 } from './0004-accounts.ts';
import { Reports1764000005000 } from './0005-reports.ts';
import { Models1764000006000 } from './0006-models.ts';
import { InstanceNames1764000007000 } from './0007-instance-names.ts';
import { SignInDelays1764000008000 } from './0008-sign-in-delays.ts';
import { SiteDays1764000009000 } from './0009-site-days.ts';
import { AuditBound1764000010000 } from './0010-audit-bound.ts';
import { AuditBoundChecked1764000011000 } from './0011-audit-bound-checked.ts';
import { AuditPartitions1764000012000 } from './0012-audit-partitions.ts';
import { ChangeTrimmed1764000013000 } from './0013-change-trimmed.ts';
import { StudiesApart1764000014000 } from './0014-studies-apart.ts';
import { AnalysisTime1764000015000 } from './0015-analysis-time.ts';
import { StudyCoercion1764000016000 } from './0016-study-coercion.ts';
import { HeldInstances1764000017000 } from './0017-held-instances.ts';
import { Removal1764000018000 } from './0018-removal.ts';
import { StudyGrowth1764000019000 } from './0019-study-growth.ts';
import { People1764000020000 } from './0020-people.ts';
import { Deliveries1764000021000 } from './0021-deliveries.ts';
import { SecondFactors1764000022000 } from './0022-second-factors.ts';
import { PeopleAtWork1764000023000 } from './0023-people-at-work.ts';
import { Site1764000024000 } from './0024-site.ts';
import { Systems1764000025000 } from './0025-systems.ts';
import { AuditChain1764000026000 } from './0026-audit-chain.ts';
import { DeliveryOutbox1764000027000 } from './0027-delivery-outbox.ts';
import { RestrictedRecords1764000028000 } from './0028-restricted-records.ts';
import { News1764000029000 } from './0029-news.ts';
import { WorkRows1764000030000 } from './0030-work-rows.ts';
import { Medications1764000031000 } from './0031-medications.ts';
import { UploadedStudies1764000032000 } from './0032-uploaded-studies.ts';
import { Shares1764000033000 } from './0033-shares.ts';
import { Notices1764000034000 } from './0034-notices.ts';
import { Preferences1764000035000 } from './0035-preferences.ts';
import { ProcessState1764000036000 } from './0036-process-state.ts';
import { Folding1764000037000 } from './0037-folding.ts';
import { NonPatient1764000038000 } from './0038-non-patient.ts';
import { RemoteAes1764000039000 } from './0039-remote-aes.ts';

/** In the order in which they run. TypeORM reads the time stamp at the end of each class name. */
export const migrations: (new () => MigrationInterface)[] = [
  Foundation1764000001000,
  Records1764000002000,
  Studies1764000003000,
  Accounts1764000004000,
  Reports1764000005000,
  Models1764000006000,
  InstanceNames1764000007000,
  SignInDelays1764000008000,
  SiteDays1764000009000,
  AuditBound1764000010000,
  AuditBoundChecked1764000011000,
  AuditPartitions1764000012000,
  ChangeTrimmed1764000013000,
  StudiesApart1764000014000,
  AnalysisTime1764000015000,
  StudyCoercion1764000016000,
  HeldInstances1764000017000,
  Removal1764000018000,
  StudyGrowth1764000019000,
  People1764000020000,
  Deliveries1764000021000,
  SecondFactors1764000022000,
  PeopleAtWork1764000023000,
  Site1764000024000,
  Systems1764000025000,
  AuditChain1764000026000,
  DeliveryOutbox1764000027000,
  RestrictedRecords1764000028000,
  News1764000029000,
  WorkRows1764000030000,
  Medications1764000031000,
  UploadedStudies1764000032000,
  Shares1764000033000,
  Notices1764000034000,
  Preferences1764000035000,
  ProcessState1764000036000,
  Folding1764000037000,
  NonPatient1764000038000,
  RemoteAes1764000039000,
];
