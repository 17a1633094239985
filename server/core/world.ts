/**
 * Everything that the core asks of the world, gathered: each port is described beside its noun.
 *
 * The tables are reached inside a unit of work only, as `stores`: `world.read` for reading, `world.transaction` for
 * what is kept together or not at all. Inside one there is no way to the tables but its own `stores`, because what it
 * is given of the world (`Surroundings`) opens no second unit. Infrastructure implements these; tests may too.
 */
import type { AuditAnchors, AuditLog, AuditSeals } from './access/audit-log.ts';
import type { AuditTrail } from './access/audit-trail.ts';
import type { RestrictedStore } from './access/restricted-store.ts';
import type { AccountStore } from './accounts/account-store.ts';
import type { DraftStore } from './accounts/drafts/draft-store.ts';
import type { FactorStore } from './accounts/factors/factor-store.ts';
import type { ClientStore, RegistrationTokenStore } from './accounts/clients/client-store.ts';
import type { RemoteAeStore } from './accounts/remote-aes/remote-ae-store.ts';
import type { LinkStore } from './accounts/link-store.ts';
import type { PatientCodeStore } from './accounts/people/patient-code-store.ts';
import type { PeopleStore } from './accounts/people/people-store.ts';
import type { PreferenceStore } from './accounts/people/preferences.ts';
import type { SessionStore } from './accounts/sign-in/session-store.ts';
import type { AnalysisLog } from './analysis/analysis-log.ts';
import type { SwitchedClassifier } from './analysis/classifier.ts';
import type { ModelFiles, ModelStore } from './analysis/registry/model-registry.ts';
import type { JobQueue } from './jobs.ts';
import type { Principal } from './principal.ts';
import type { RecordChecker } from './records/record-checker.ts';
import type { RecordStore } from './records/record-store.ts';
import type { RecordRules } from './records/rules.ts';
import type { AddressStore } from './deliveries/address-store.ts';
import type { NewsStore } from './news/news-store.ts';
import type { DeliveryStore } from './deliveries/delivery-store.ts';
import type { Mailer } from './deliveries/mailer.ts';
import type { NoticeStore } from './notices/notice-store.ts';
import type { PushStore } from './notices/push-store.ts';
import type { Pusher } from './notices/pusher.ts';
import type { RelayStore } from './deliveries/relay-store.ts';
import type { ShareStore } from './patient/share-store.ts';
import type { EntryStore } from './medications/entry-store.ts';
import type { PdfPrinter } from './reports/pdf-printer.ts';
import type { ReportNumbers } from './reports/report-numbers.ts';
import type { SecretBox } from './secret-box.ts';
import type { Settings } from './settings.ts';
import type { SiteStore } from './site/site-store.ts';
import type { Signer } from './signer.ts';
import type { Blobs } from './studies/blobs.ts';
import type { DicomReader } from './studies/dicom-reader.ts';
import type { HeldStore } from './studies/held-instance.ts';
import type { AskWhose } from './studies/identity-question.ts';
import type { PixelDecoder } from './studies/pixel-decoder.ts';
import type { RemovalGuard } from './studies/removal-guard.ts';
import type { RemovalStore } from './studies/removal-store.ts';
import type { StudyFollower, StudyMoveFollower } from './studies/study-follower.ts';
import type { StudyStore } from './studies/study-store.ts';
import type { NonPatientStore } from './studies/non-patient-store.ts';
import type { UploadedStudies } from './studies/uploads/uploaded-studies.ts';
import type { UnsettledStore } from './studies/unsettled-store.ts';
import type { Trace } from './trace.ts';
import type { LateImages } from './workflow/late-images.ts';
import type { WorkRowStore } from './workflow/work/work-row-store.ts';

/** The tables, as one transaction sees them. */
export interface Stores {
  records: RecordStore;
  studies: StudyStore;
  held: HeldStore;
  removals: RemovalStore;
  nonPatient: NonPatientStore;
  uploads: UploadedStudies;
  unsettled: UnsettledStore;
  lateImages: LateImages;
  workRows: WorkRowStore;
  accounts: AccountStore;
  links: LinkStore;
  restricted: RestrictedStore;
  people: PeopleStore;
  preferences: PreferenceStore;
  sessions: SessionStore;
  patientCodes: PatientCodeStore;
  factors: FactorStore;
  drafts: DraftStore;
  notices: NoticeStore;
  pushes: PushStore;
  clients: ClientStore;
  remoteAes: RemoteAeStore;
  registrationTokens: RegistrationTokenStore;
  deliveries: DeliveryStore;
  relay: RelayStore;
  addresses: AddressStore;
  reportNumbers: ReportNumbers;
  site: SiteStore;
  medicationEntries: EntryStore;
  models: ModelStore;
  analyses: AnalysisLog;
  jobs: JobQueue;
  /** Tells open pages of what is no record. */
  news: NewsStore;
  shares: ShareStore;
  audit: AuditTrail;
  auditLog: AuditSeals;
}

/** The tables for reading: what is committed when each statement runs. Audit rows are kept at once. */
export interface Reading {
  records: Pick<RecordStore, 'read' | 'readVersion' | 'visibleAmong' | 'history' | 'retiredWithRecords' | 'search'>;
  studies: Pick<
    StudyStore,
    | 'study'
    | 'growth'
    | 'overdue'
    | 'content'
    | 'addresses'
    | 'middleImage'
    | 'instance'
    | 'imageAttributes'
    | 'attributesOf'
    | 'find'
    | 'countOfFind'
    | 'blobsInUse'
  >;
  held: Pick<HeldStore, 'count'>;
  unsettled: Pick<UnsettledStore, 'since'>;
  workRows: Pick<WorkRowStore, 'find' | 'one' | 'count' | 'reviewsAfter' | 'stale'>;
  removals: Pick<RemovalStore, 'due' | 'removed'>;
  nonPatient: Pick<NonPatientStore, 'one' | 'find'>;
  accounts: Pick<AccountStore, 'byId' | 'byEmail'>;
  links: Pick<LinkStore, 'find'>;
  restricted: Pick<RestrictedStore, 'restrictionsOf' | 'opened'>;
  site: Pick<SiteStore, 'read' | 'logo' | 'facts'>;
  medicationEntries: Pick<EntryStore, 'all' | 'byId' | 'versions'>;
  deliveries: Pick<DeliveryStore, 'byId' | 'search' | 'due' | 'withoutDelivery'>;
  relay: Pick<RelayStore, 'state' | 'pause'>;
  addresses: Pick<AddressStore, 'isConfirmed' | 'ofAccount'>;
  people: Pick<PeopleStore, 'find' | 'byId' | 'wantsReportMail'>;
  preferences: Pick<PreferenceStore, 'of'>;
  sessions: Pick<SessionStore, 'of' | 'seen' | 'renewed'>;
  drafts: Pick<DraftStore, 'of'>;
  notices: Pick<NoticeStore, 'of'>;
  pushes: Pick<PushStore, 'digestsOf' | 'byId'>;
  factors: Pick<FactorStore, 'of' | 'mail' | 'recoveryCodesLeft'>;
  clients: Pick<ClientStore, 'byId' | 'all'>;
  remoteAes: Pick<RemoteAeStore, 'byId' | 'byTitle' | 'all'>;
  registrationTokens: Pick<RegistrationTokenStore, 'all' | 'find'>;
  models: Pick<ModelStore, 'all' | 'changes' | 'revision' | 'shadow'>;
  analyses: Pick<AnalysisLog, 'drift' | 'compared' | 'withoutShadow'>;
  jobs: Pick<JobQueue, 'lacking'>;
  shares: Pick<ShareStore, 'byWord' | 'ofAccount'>;
  audit: AuditTrail;
  auditLog: AuditLog;
}

/** What a unit of work may use beside its stores. */
export interface Surroundings {
  settings: Settings;
  blobs: Blobs;
  reader: DicomReader;
  pixels: PixelDecoder;
  checker: RecordChecker;
  /** What answers doctors: the active model. */
  classifier: SwitchedClassifier;
  /** What runs beside it, seen by administrators only. */
  shadow: SwitchedClassifier;
  modelFiles: ModelFiles;
  pdf: PdfPrinter;
  mailer: Mailer;
  /** The way to browsers whose pages are closed. */
  push: Pusher;
  signer: Signer;
  secrets: SecretBox;
  /** Where the seals of the audit trail are written down outside the database. */
  auditAnchors: AuditAnchors;
  /** What a write of each type must satisfy (`clinical-rules.ts`). */
  rules: RecordRules<WriteContext>;
  /** Who hears that a study has settled, in the same transaction. */
  studyFollowers: readonly StudyFollower<WriteContext>[];
  /** Asks a human whose images are. */
  askWhose: AskWhose<WriteContext>;
  /** Who may object to the deletion of images, in the same transaction. */
  removalGuards: readonly RemovalGuard<WriteContext>[];
  /** Who hears that a study has come to another patient, in the same transaction. */
  studyMoveFollowers: readonly StudyMoveFollower<WriteContext>[];
  /** A model has come into service: what waited for one goes on. */
  modelServes(): Promise<unknown>;
  /** The database's clock is the one that counts; this is for time stamps inside resources. */
  now(): Date;
}

export interface World extends Surroundings {
  /** Reads without a transaction: each statement by itself. */
  read<T>(work: (stores: Reading) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in one PostgreSQL transaction (read committed); commits when it resolves, rolls back when it throws. The
   * database may run it again after a deadlock. Audit rows of refusals are kept either way, when it has ended.
   */
  transaction<T>(work: (stores: Stores) => Promise<T>): Promise<T>;
}

/** For functions that name the stores they read: a world, or anything that has these. */
export interface ReadsFrom<Names extends keyof Reading> {
  read<T>(work: (stores: Pick<Reading, Names>) => Promise<T>): Promise<T>;
}

/** The same for stores that they write to. */
export interface WritesTo<Names extends keyof Stores> {
  transaction<T>(work: (stores: Pick<Stores, Names>) => Promise<T>): Promise<T>;
}

/** A transaction in somebody's name: what every write is made in. */
export interface WriteContext extends Trace {
  world: Surroundings;
  stores: Stores;
  principal: Principal;
  /** Whose act it began with, where the server goes on in its own name. */
  causedBy?: Principal;
  /** Of a transaction Bundle: what is asked when all its entries are done. */
  atEnd?: (() => Promise<void>)[];
}
