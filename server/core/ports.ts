/**
 * Everything that the core asks of the world, on one page.
 *
 * `Stores` are the tables: outside a transaction they read and write by themselves, inside
 * `world.transaction` they share one. `World` adds what cannot take part in a transaction.
 * Infrastructure implements these; tests may too.
 */
import type { Resource, ResourceType } from '@medplum/fhirtypes';
import type { Narrowing } from './access/narrowing.ts';
import type { ValidationIssue } from './records/validate-issue.ts';
import type { Principal, Role } from './principal.ts';
import type { SearchQuery } from './records/search-query.ts';
import type { DicomJson } from './dicom/json.ts';
import type { Presentation } from './dicom/presentation.ts';
import type { AnalysisRow, DoctorsWord } from './analysis/analysis-row.ts';
import type { ComparedCell } from './analysis/comparison.ts';
import type { DriftCell } from './analysis/drift.ts';
import type { ModelDescription } from './analysis/model-description.ts';
import type { ModelState } from './analysis/model-states.ts';
import type {
  FoundModel,
  ModelChange,
  Places,
  RefusalCode,
  RefusedModel,
  RegisteredModel,
} from './analysis/registered-model.ts';

export interface World extends Stores {
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
  /** Runs `work` in one PostgreSQL transaction (read committed); commits when it resolves, rolls back when it throws. */
  transaction<T>(work: (tx: Stores) => Promise<T>): Promise<T>;
  /** The database's clock is the one that counts; this is for time stamps inside resources. */
  now(): Date;
}

export interface Stores {
  records: RecordStore;
  studies: StudyStore;
  accounts: AccountStore;
  reportNumbers: ReportNumbers;
  models: ModelStore;
  analyses: AnalysisLog;
  jobs: JobQueue;
  audit: AuditTrail;
}

/** Values from configuration that clinical rules depend on. All URLs absolute, without a trailing slash. */
export interface Settings {
  publicUrl: string; // https://pacs.example.org
  fhirBaseUrl: string; // publicUrl + /fhir
  dicomwebBaseUrl: string; // publicUrl + /dicomweb
  /** Below this probability (0..1) a result is "Uncertain". */
  confidenceThreshold: number;
  /** Start the analysis when images arrive, without waiting for a doctor. */
  analyzeOnArrival: boolean;
  /** What the AI says raises the priority of the doctor's step. */
  aiOrdersWorkList: boolean;
  /** IANA zone of the site: of dates and times that name none, and of what is printed. */
  timeZone: string;
  organizationName: string;
  /** Invented patients only: an untrained model may be shipped and active. */
  demo: boolean;
  /** The same person may not verify and release (four-eyes). */
  fourEyes: boolean;
  /** Identifier system (URI) of DICOM Patient IDs that come without an issuer; a namespace of this server by default. */
  patientIdSystem?: string;
}

// ---------------------------------------------------------------- FHIR records

export interface StoredRecord {
  resourceType: ResourceType;
  id: string;
  /** 1, 2, 3 ...; FHIR `meta.versionId` is its decimal text. */
  version: number;
  lastUpdated: Date;
  /** How this version came to be (FHIR history `request.method`). */
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `meta.versionId` and `meta.lastUpdated` filled in; undefined for a deletion. Stored records parse it when it is first asked for. */
  resource: Resource | undefined;
  /** The same as JSON text, for whoever only passes it on. Set on records that come from the store. */
  json?: string;
  /** FHIR ids of the patients in whose compartment it lies. Set on records that come from the store. */
  patients?: readonly string[];
}

export interface SearchPage {
  matches: StoredRecord[];
  /** `_include` and `_revinclude` results, already narrowed to what the caller may see. */
  included: StoredRecord[];
  /** Present when `_total=accurate`, `_summary=count` or `_count=0` asked for it. */
  total?: number;
  /** Opaque cursor of the next page (keyset, stable under inserts); undefined on the last. */
  next?: string;
  /** A cap cut the included resources short. */
  truncated?: boolean;
}

export interface RecordStore {
  /** The current version, deletions included; undefined if the id never existed or the caller may not see it. */
  read(type: ResourceType, id: string, narrowing: Narrowing): Promise<StoredRecord | undefined>;
  readVersion(type: ResourceType, id: string, version: number, narrowing: Narrowing): Promise<StoredRecord | undefined>;
  /** Newest first; `type` and `id` narrow to type and instance history. */
  history(
    of: { type?: ResourceType; id?: string },
    page: { count: number; since?: Date; at?: Date; before?: string },
    narrowing: (type: ResourceType) => Narrowing | undefined,
  ): Promise<{ entries: StoredRecord[]; next?: string }>;
  /** Reads and locks the current version until the transaction ends (SELECT ... FOR UPDATE). */
  lock(type: ResourceType, id: string): Promise<StoredRecord | undefined>;
  /** Serialises writers that agree on a key (conditional create) until the transaction ends. */
  lockKey(key: string): Promise<void>;
  /** Appends a version, replaces the search index rows, and writes the change row, in one go. */
  put(record: StoredRecord): Promise<void>;
  search(query: SearchQuery, narrowing: (type: ResourceType) => Narrowing | undefined): Promise<SearchPage>;
}

// ---------------------------------------------------------------- images

/** One stored SOP instance: a row of the instance index. Property names are DICOM keywords. */
export interface InstanceRow {
  StudyInstanceUID: string;
  SeriesInstanceUID: string;
  SOPInstanceUID: string;
  SOPClassUID: string;
  TransferSyntaxUID: string;
  /** SHA-256 of the stored bytes, lower-case hex: the blob's name. */
  blob: string;
  /** Deflated transfer syntax only: blob of the same file with the data set inflated. `bulk` and `frames` are offsets in it. */
  inflated?: string;
  /** Bytes of the whole Part 10 file. */
  size: number;
  /**
   * The data set as DICOM JSON (PS3.18 Annex F) without group 2, text in UTF-8. A value that is left out has
   * `BulkDataURI` = its path below `/bulkdata/` (`7FE00010`, `00082112/1/00420011`): put the instance's URL before it.
   */
  attributes: DicomJson;
  /** Where those values lie in the file, in the byte order of the file. Key: dotted path such as `7FE00010` or `00082112.1.00420011`. */
  bulk: Record<string, { vr: string; offset: number; length: number }>;
  /** Where the frames lie in the file; null if there is no pixel data. */
  frames: FrameIndex | null;
  /**
   * On the way into the store only: as JSON what is too long to travel between threads as objects. The property of the
   * same name then holds what is short of it: attributes without their long elements, otherwise nothing.
   */
  long?: LongParts;
}

/** An instance by name, and how long its attributes are, roughly. */
export interface InstanceHeader extends Pick<
  InstanceRow,
  'StudyInstanceUID' | 'SeriesInstanceUID' | 'SOPInstanceUID' | 'blob'
> {
  /** Bytes of its attributes as they are stored, compressed. */
  weight: number;
}

export interface LongParts {
  attributes?: string;
  bulk?: string;
  frames?: string;
}

export type FrameIndex =
  /** Native pixel data: frame n (from 0) starts at `offset + n * length`; `bitsAllocated` 1 is packed and has no byte alignment. */
  | { encapsulated: false; offset: number; length: number; count: number; bitPacked: boolean }
  /** Encapsulated: for each frame the fragments that make it up, as [offset, length] pairs in the file. */
  | { encapsulated: true; frames: [offset: number, length: number][][] };

export interface StudyRow {
  StudyInstanceUID: string;
  /** FHIR ids that the study is tied to. */
  patientId: string;
  imagingStudyId: string;
  /** Rises with every change of the study's content; the ETag of its metadata. */
  revision: number;
  numberOfSeries: number;
  numberOfInstances: number;
}

/** A study by level. The attributes of a level are those of its first instance, blanks filled from later series. */
export interface StudyContent {
  attributes: DicomJson;
  series: {
    SeriesInstanceUID: string;
    attributes: DicomJson;
    numberOfInstances: number;
    instances: { SOPInstanceUID: string; SOPClassUID: string; InstanceNumber?: number; title?: string }[];
  }[];
}

export interface StudyStore {
  /** Locks the study (serialises senders of one study) and returns its row if it exists. */
  lockStudy(StudyInstanceUID: string): Promise<StudyRow | undefined>;
  /**
   * Gives SOP Instance UIDs to studies, each to the first that comes, for a UID names one instance of the whole archive.
   * @returns for each, in order, whether it belongs to its study now: the name does, or an earlier release stored it there.
   */
  claimNames(rows: Pick<InstanceRow, 'StudyInstanceUID' | 'SOPInstanceUID'>[]): Promise<boolean[]>;
  /** Inserts what is new (INSERT ... ON CONFLICT DO NOTHING) and returns the row that stands for each, in order. */
  insertInstances(rows: InstanceRow[]): Promise<{ row: InstanceRow; inserted: boolean }[]>;
  /** Creates or updates the study's row with counts and query keys recomputed from its instances; revision + 1. */
  settle(StudyInstanceUID: string, tie: { patientId: string; imagingStudyId: string }): Promise<StudyRow>;
  study(StudyInstanceUID: string): Promise<StudyRow | undefined>;
  /** The study that an ImagingStudy is tied to. Whoever is about to tie one holds the record's lock. */
  tiedTo(imagingStudyId: string): Promise<string | undefined>;
  /** What ImagingStudy is derived from: attributes of each level, and a line for each instance, in number order. */
  content(StudyInstanceUID: string): Promise<StudyContent>;
  /**
   * Instances at the given level, ordered by series number, instance number, UID. The narrowing is of
   * ImagingStudy: what the caller may not see is not there.
   *
   * @param framesOfPictures only what drawing these frames (from 0) asks for: of a long header the attributes of pixels
   * and the functional groups of these frames. Parsing all of a slide's for each of its tiles would hold up everybody.
   */
  locate(
    level: { StudyInstanceUID: string; SeriesInstanceUID?: string; SOPInstanceUID?: string },
    narrowing: Narrowing,
    framesOfPictures?: readonly number[],
  ): Promise<InstanceRow[]>;
  /** As `locate`, without what can be long: that of a whole study may not fit into memory. */
  locateHeaders(level: Parameters<StudyStore['locate']>[0], narrowing: Narrowing): Promise<InstanceHeader[]>;
  /** Attributes of instances of one study as JSON text, in the order of the names. */
  attributesOf(StudyInstanceUID: string, SOPInstanceUIDs: string[]): Promise<string[]>;
  /**
   * QIDO-RS (PS3.18 10.6): one DICOM JSON object for each match, without Retrieve URL and without values as long as
   * those of functional groups. `cut`: there are more that the limit would allow, but the page would be too long.
   */
  find(query: StudyQuery, narrowing: Narrowing): Promise<{ matches: FoundStudy[]; cut: boolean }>;
  countOfFind(query: StudyQuery, narrowing: Narrowing): Promise<number>;
  /** Blobs that some row names, for the sweep. */
  blobsInUse(candidates: string[]): Promise<Set<string>>;
}

/** One match of a search, at the level that was asked for. */
export interface FoundStudy {
  attributes: DicomJson;
  /** FHIR id of the Patient, for the audit trail. */
  patientId: string;
}

/** A parsed QIDO-RS (or C-FIND) request; attribute keys are 8-digit upper-case hex tags or dotted paths of them. */
export interface StudyQuery {
  level: 'study' | 'series' | 'instance';
  StudyInstanceUID?: string;
  SeriesInstanceUID?: string;
  match: { path: string; vr: string; value: string }[];
  include: string[] | 'all';
  fuzzy: boolean;
  /** A key of zero length asks for absent values instead of any (PS3.4 C.2.2.2.7). */
  emptyValueMatching: boolean;
  /** A backslash in a value separates alternatives (PS3.4 C.2.2.2.8); in UIDs it always does. */
  multipleValueMatching: boolean;
  limit: number;
  offset: number;
}

// ---------------------------------------------------------------- bytes

export interface ReceivedBlob {
  digest: string; // SHA-256, lower-case hex
  size: number;
  /** Path on this machine where the bytes lie; only worker threads that parse them use it, once they are `written`. */
  path: string;
  /**
   * Resolves when the bytes are on disk (fsync). Its failure may be left unheard: `keep` hears of it. Absent: they are
   * in the file, and `keep` brings them to disk.
   * @throws Problem `no-store` when the disk is full.
   */
  written?: Promise<void>;
}

/** A Part 10 file, read: everything of its instance row but what the blob store knows. */
export type ReadInstance = Omit<InstanceRow, 'blob' | 'size' | 'inflated'> & {
  /** Deflated transfer syntax only: where the inflated copy lies, not yet kept. */
  inflated?: ReceivedBlob;
};

/** Reads Part 10 files in worker threads: bytes from outside are parsed nowhere else. Pixel data is not loaded. */
export interface DicomReader {
  /**
   * @throws Problem `structure` (not DICOM, truncated, a length that does not fit), `required` and `value` (its UIDs),
   * `not-supported` (transfer syntax), `too-costly` (past the limits of size or time), `transient` (too many wait).
   * @param signal gives up what still waits; rejects with its reason
   */
  read(path: string, signal?: AbortSignal): Promise<ReadInstance>;
}

export interface Blobs {
  /**
   * Takes bytes in while hashing, resolves when they are all taken; a temporary file is written behind, in bounded
   * memory. Nothing is visible yet.
   * @throws Problem `too-long` past `limit` bytes, `no-store` when the disk is full.
   */
  receive(bytes: AsyncIterable<Uint8Array>, limit?: number): Promise<ReceivedBlob>;
  /**
   * Makes received blobs durable under their names: waits until their bytes are on disk, renames them to their digests,
   * fsyncs the folders. Already stored bytes are success.
   * @throws as writing them did.
   */
  keep(received: ReceivedBlob[]): Promise<void>;
  /** Drops a temporary file. */
  discard(received: ReceivedBlob): Promise<void>;
  /** A stream of the bytes, or of `[offset, offset + length)`. @throws Problem `not-found`. */
  open(digest: string, range?: { offset: number; length: number }): AsyncIterable<Uint8Array>;
  read(digest: string, range?: { offset: number; length: number }): Promise<Uint8Array>;
  size(digest: string): Promise<number | undefined>;
  /** Path of a kept blob on this machine, for worker threads that decode pixels. */
  pathOf(digest: string): string;
  /** Stored digests older than `olderThan`, for the sweep. */
  list(olderThan: Date): AsyncIterable<string>;
  /** Removes a blob unless it was kept again since `olderThan`. */
  remove(digest: string, olderThan: Date): Promise<void>;
}

/**
 * What is done with the whole of a record and costs more the longer it is. Beyond a few kilobytes in worker threads, so
 * that nobody else waits for it.
 */
export interface RecordChecker {
  /**
   * Everything that is wrong with a resource, in document order; at most 50 faults.
   * @throws Problem `too-long` (it has too many parts), `too-costly` (memory), `transient` (too many wait).
   */
  issues(resource: unknown): Promise<ValidationIssue[]>;
  /**
   * The rows of the search index for a resource's JSON, as JSON text.
   * @throws as `issues`, also for more rows than a record may have.
   */
  indexRows(content: string): Promise<string>;
}

/** For whom pixels are worked on: callers take turns, and nothing is begun for who has gone. */
export interface PixelErrand {
  caller?: string;
  signal?: AbortSignal;
}

/** Works on stored pixels in worker threads with time and memory limits. Frames count from 0. */
export interface PixelDecoder {
  /** @throws Problem `not-supported` (syntax), `structure` (broken stream), `timeout`, `transient` (too many wait). */
  decode(instance: InstanceRow, frame: number, errand?: PixelErrand): Promise<DecodedFrame>;
  /**
   * One frame as a consumer picture: decoded, modality and VOI transform applied, cropped and scaled (PS3.18 8.3.5.1).
   * @throws as `decode`.
   */
  render(instance: InstanceRow, frame: number, look: RenderedLook, errand?: PixelErrand): Promise<Uint8Array>;
  /**
   * The whole Part 10 file in Explicit VR Little Endian with native pixel data, chunk by chunk; lossless,
   * whatever the stored transfer syntax. The first chunk comes only when all that can be refused was checked.
   * @throws Problem `not-supported`, `structure`, `timeout`, `transient`.
   */
  explicit(instance: InstanceRow): AsyncIterable<Uint8Array>;
}

/** How a rendered frame shall look; absent values leave the choice to the image (its own VOI, its own size). */
export interface RenderedLook {
  format: 'jpeg' | 'png';
  /** JPEG quality, 1 to 100. */
  quality?: number;
  /** In units of the modality transform's output (CT: Hounsfield units). */
  window?: { center: number; width: number; shape: 'linear' | 'linear-exact' | 'sigmoid' };
  /** Fit into width x height pixels, of the whole image or of the region; a negative region size mirrors. */
  viewport?: { width: number; height: number; region?: { x: number; y: number; width: number; height: number } };
}

/** One decoded frame, samples interleaved (RGBRGB), before any modality or VOI transform. */
export interface DecodedFrame {
  rows: number;
  columns: number;
  samplesPerPixel: 1 | 3;
  bitsStored: number;
  signed: boolean;
  photometricInterpretation: string;
  pixels: Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;
}

// ---------------------------------------------------------------- analysis, print, mail

/** The image classifier: processes that run one model file. */
export interface Classifier {
  /** Whether analyses can run now, on what, and if not why. */
  state(): ClassifierState;
  /**
   * Brings one frame into the model's input form, runs the model and draws the heat map, off the event loop. The
   * frame's pixels are handed over and cannot be used afterwards.
   *
   * @param options.priority higher first among the images that wait, then who came first; as `Job.priority`.
   * @param options.wholeFrame leave borders of one value, which are cut off otherwise (`core/analysis/content.ts`).
   * @param options.picture draws the heat map (the default); without it `heatMap.jpeg` has no bytes.
   * @param options.signal gives up: an image that waits leaves its place, a result that comes is dropped.
   * @throws Problem `transient` (not ready, too many wait), `timeout`, `structure` (pixels unusable), `exception`
   * (model error), `conflict` (given up).
   */
  classify(frame: DecodedFrame, presentation: Presentation, options?: ClassifyOptions): Promise<Classification>;
}

export interface ClassifyOptions {
  priority?: number;
  wholeFrame?: boolean;
  picture?: boolean;
  signal?: AbortSignal;
}

export type ClassifierState =
  | {
      ready: true;
      provider: string;
      /** Sessions that run the model side by side. */
      workers: number;
      /** Analyses that one process should have under way, so that the model is never idle and none waits long. */
      parallel: number;
      model: ModelDescription;
      load: ClassifierLoad;
      /** Providers that worked and failed since the start, with the reason. */
      lost?: string[];
    }
  /** `switchedOff`: an administrator wants it so; work waits instead of failing. */
  | { ready: false; reason: string; code?: RefusalCode; model?: ModelDescription; switchedOff?: boolean };

/** A classifier whose model can be changed while the server runs. */
export interface SwitchedClassifier extends Classifier {
  /** The one of this moment, which stays until `release`, so that an analysis ends with the model that it began with. */
  hold(): Classifier & { release(): void };
  /** Resolves when nobody holds it and no image is in it, for work that must not be in the way of what it does. */
  idle(): Promise<void>;
}

/** The model folders of this machine, and which of their models run. */
export interface ModelFiles {
  /**
   * Looks at all folders; a model that is not `known` must pass the self-test too. Never throws for a bad folder.
   * @param options.again makes the self-test again also where it failed before (the default).
   */
  scan(known: ReadonlySet<string>, options?: { again: boolean }): Promise<void>;
  found(): FoundModel[];
  refused(): RefusedModel[];
  /**
   * Starts a model ahead for a place, so that what cannot run does not come there. Call `discard` if it does not.
   * @throws Problem `business-rule` if its files are not here, were altered, or fail the self-test.
   */
  prepare(digest: string, place: 'active' | 'shadow'): Promise<{ provider: string; discard(): void }>;
  /** Lets the places serve these models; what they served before ends with its last image. */
  serve(places: Places): Promise<void>;
  /** A place lacks the model that it should serve, as `serve` found last: it is worth another try. */
  lacking(): boolean;
}

/** The registry of models: state and append-only history. */
export interface ModelStore {
  /** Until the transaction ends nobody else changes the registry. */
  lock(): Promise<void>;
  all(): Promise<RegisteredModel[]>;
  /** The state, which stays so until the transaction ends; undefined for an unknown model. */
  stateOf(digest: string): Promise<ModelState | undefined>;
  /** Digest of the shadow, if there is one. */
  shadow(): Promise<string | undefined>;
  /** Changes a state and appends it to the history; with `added` the model is new. */
  change(
    change: Omit<ModelChange, 'revision' | 'at'>,
    added?: Pick<RegisteredModel, 'description' | 'evaluation'>,
  ): Promise<void>;
  /** Newest first. */
  changes(): Promise<ModelChange[]>;
  /** Rises with every change, so that other processes see that there was one. */
  revision(): Promise<number>;
}

/** What models said, for comparison and drift; results for people are FHIR records. */
export interface AnalysisLog {
  /** Once for a Task and model, however often it is called. */
  append(row: AnalysisRow): Promise<void>;
  appendShadow(row: AnalysisRow): Promise<void>;
  /** Analyses since then that the shadow of that digest has not run on, newest first; `finding`: id of the AI Observation. */
  withoutShadow(digest: string, since: Date, limit: number): Promise<{ task: string; finding: string }[]>;
  /** A doctor's word on the AI Observation of that id; a later one replaces it. */
  heard(finding: string, word: DoctorsWord): Promise<void>;
  /** By week, and by week and scanner, oldest first. */
  drift(digest: string): Promise<DriftCell[]>;
  compared(active: string, shadow: string): Promise<ComparedCell[]>;
}

/** What happens in the classifier now, and the mean of its last images. */
export interface ClassifierLoad {
  /** Images that wait for their turn or for the model. */
  waiting: number;
  /** Images in the model. */
  running: number;
  /** Milliseconds from arrival to the start of the run. */
  meanWait: number;
  /** Images in a run. */
  meanBatch: number;
  /** Images answered since the start. */
  answered: number;
}

/** What the model says about one image; arrays over classes are in the order of the model's labels. */
export interface Classification {
  model: ModelDescription;
  /** `cuda`, `webgpu` or `cpu`. */
  provider: string;
  /** Time of preprocessing, model run and heat map together, without waiting. */
  milliseconds: number;
  /** Each 0..1, sum 1. */
  probabilities: number[];
  /** Grad-CAM, one map a class, each `heatMapSize` x `heatMapSize`, row by row, not negative. */
  heatMaps: number[][];
  heatMapSize: number;
  /** The map of the class with the highest probability over the frame as a person sees it. */
  heatMap: { jpeg: Uint8Array; width: number; height: number };
  /** Scores of the model's own gate and distance outputs. */
  gate: number[];
  distance: number[];
}

/** Numbers of issued reports. */
export interface ReportNumbers {
  /** The next number of a year, from 1: never given twice. Inside a transaction it is given back if that rolls back. */
  next(year: number): Promise<number>;
}

/** Prints a whole HTML document as A4 PDF, tagged, in a browser without network and without scripts. */
export interface PdfPrinter {
  /** @throws Problem `timeout` (page hung), `transient` (no browser can be started now). */
  print(html: string): Promise<Uint8Array>;
}

/** Hands mail to a relay. */
export interface Mailer {
  /**
   * Resolves when the relay took the message for its one recipient.
   * @throws Problem `value` (address refused), `transient` (relay not reachable or busy), `business-rule` (relay refuses for good).
   */
  send(mail: OutgoingMail): Promise<void>;
}

export interface OutgoingMail {
  /** Stable over repeated tries, so that receivers can drop a second copy (RFC 5322 3.6.4): `<left@right>`. */
  messageId: string;
  to: string;
  subject: string;
  text: string;
  attachments: { name: string; contentType: string; bytes: Uint8Array }[];
}

// ---------------------------------------------------------------- owed work, accounts, audit

export interface Job {
  kind: 'analyze' | 'shadow' | 'issue-report' | 'send-report';
  /** Only one job of this kind and key waits or runs at a time; asking again changes nothing. */
  key: string;
  /** Ids only, no health data. */
  data: Record<string, string | number | boolean>;
  /** Higher first; STAT is 10. */
  priority?: number;
}

/** Work of which no job waits or runs. */
export interface LackingJob {
  key: string;
  /** How its last job ended, for as long as the queue remembers (a week): `failed` when its last try failed or died. */
  last?: 'completed' | 'failed';
}

export interface JobQueue {
  /** Inside a transaction the job exists only if that commits. */
  enqueue(job: Job): Promise<void>;
  /** Those of the keys for which no job of that kind waits or runs. */
  lacking(kind: Job['kind'], keys: readonly string[]): Promise<LackingJob[]>;
}

export interface Account {
  id: string;
  email: string;
  /** argon2id PHC string. */
  passwordHash: string;
  role: Role;
  displayName: string;
  /** The person's own FHIR resource: `Practitioner/id` or `Patient/id`. */
  fhirUser: string;
  disabled: boolean;
}

export interface AccountStore {
  byId(id: string): Promise<Account | undefined>;
  /** Email compared case-insensitively. */
  byEmail(email: string): Promise<Account | undefined>;
  /** @throws Problem `duplicate` if the id or the address is taken. */
  insert(account: Account): Promise<void>;
  setDisabled(id: string, disabled: boolean): Promise<void>;
  setRole(id: string, role: Account['role'], fhirUser: string): Promise<void>;
  setPasswordHash(id: string, passwordHash: string): Promise<void>;
}

/** One access to health data, or a refused one. Ids and codes only: no names, no search values in clear. */
export interface AuditRow {
  /** What happened, in BALP's terms: C R U D E (execute: search, export, sign-in). */
  action: 'C' | 'R' | 'U' | 'D' | 'E';
  /** `fhir:read`, `dicomweb:store`, `smart:sign-in` ... */
  event: string;
  outcome: 'success' | 'refused' | 'failed';
  principal: Principal | undefined;
  /** FHIR ids of the patients concerned, when known. */
  patients?: string[];
  /** `ImagingStudy/id/_history/2`, `studies/1.2.3/series/4.5` ... */
  entities?: string[];
  /** The query string, stored base64 as BALP asks; never logged. */
  query?: string;
  requestId?: string;
  sourceAddress?: string;
}

export interface AuditTrail {
  /** Durable when it resolves: inside a transaction with its commit, outside by itself (concurrent rows share one INSERT). */
  append(row: AuditRow): Promise<void>;
}
