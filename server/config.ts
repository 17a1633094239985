import { join, resolve } from 'node:path';
import { z } from 'zod';
import { dimseMistakes, dimseOf, dimseVariables, type DimseConfig } from './compose/dimse-config.ts';
import type { Role } from './core/principal.ts';
import type { RemovalSettings } from './core/settings.ts';
import { defaultUploadLimits, type UploadLimits } from './core/studies/uploads/upload-limits.ts';
import { trimEnd } from './core/trim-end.ts';
import { defaultBudget, type Budget } from './http/budget.ts';
import { isTimeZone } from './core/time-zone.ts';
import { trustedProxies } from './http/request/client-address.ts';

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const wholeNumber = (low: number, high: number) =>
  z.coerce.number({ error: 'must be a whole number' }).int().min(low).max(high);
/** Pages, cookies and the addresses of OpenID Connect begin at the root: below a path nobody could sign in. */
const httpOrigin = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((text) => isOrigin(text), { message: 'must end with the host or port: CSSS is not served below a path' })
  .transform((text) => trimEnd(text, '/'));
function isOrigin(text: string): boolean {
  const { href, origin } = new URL(text);
  return href === `${origin}/`;
}
const timeZone = z.string().refine(isTimeZone, { message: 'must be an IANA time zone such as Europe/Berlin' });
const proxies = z
  .string()
  .transform((text) => text.split(',').map((range) => range.trim()).filter((range) => range !== '' && range !== 'none'))
  .refine(areRanges, { message: 'must be addresses or ranges such as 10.0.0.1,2001:db8::/64, or none' }); // prettier-ignore

/** `all`, or a list of client ids. */
const clientIds = z
  .string()
  .transform((text) => text.split(',').map((id) => id.trim()).filter((id) => id !== ''))
  .transform((ids) => (ids.length === 1 && ids[0] === 'all' ? undefined : ids)); // prettier-ignore

/** `ehr.internal,localhost:9443`: host names, with a port where it matters. */
const hosts = z.string().transform((text, context): string[] => {
  const names = text.split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
  const plain = names.map((name) => name.replace(/:443$/, ''));
  if (plain.every((name) => /^[\w.:[\]-]+$/.test(name) && URL.parse(`https://${name}`)?.host === name)) return plain;
  context.addIssue({ code: 'custom', message: 'must be host names, with a port where it matters, such as ehr.internal,10.1.2.3:9443' });
  return z.NEVER;
}); // prettier-ignore

/** `all`, or what this process does of it. */
const roles = z.string().transform((text, context): Roles => {
  const names = text.split(',').map((name) => name.trim());
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (names.length === 1 && names[0] === 'all') return { api: true, worker: true, dimse: true, all: true };
  if (names.includes('all')) return refuse('all stands alone');
  if (names.some((name) => name !== 'api' && name !== 'worker' && name !== 'dimse'))
    return refuse('must be all, or some of api, worker and dimse, separated by commas');
  const has = (name: string) => names.includes(name);
  return { api: has('api'), worker: has('worker'), dimse: has('dimse'), all: false };
});

/** `none`, or roles of people. */
const personRoles = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()).filter((name) => name !== '' && name !== 'none'))
  .pipe(z.array(z.enum(['patient', 'doctor', 'pharmacist', 'admin']))); // prettier-ignore

/** A day: whoever wants to wait longer has its sender say that the study is complete. */
const longestQuiet = 86_400;
/** `client-a=5,client-b=300`: seconds by sender. */
const quietTimes = z.string().transform((text, context): ReadonlyMap<string, number> => {
  const times = new Map<string, number>();
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const [sender, seconds, ...rest] = part.split('=').map((one) => one.trim());
    const value = /^\d{1,5}$/.test(seconds ?? '') ? Number(seconds) : 0;
    if (!sender || rest.length > 0 || times.has(sender) || value < 1 || value > longestQuiet) {
      context.addIssue({
        code: 'custom',
        message: `must be senders, each once, with their seconds (1 to ${longestQuiet}), such as client-a=5,client-b=300`,
      });
      return z.NEVER;
    }
    times.set(sender, value);
  }
  return times;
});

/** Keys of 32 bytes in base64, newest first. */
const secretKeys = z.string().transform((text, context): Buffer[] => {
  const keys = text.split(',').filter((key) => key.trim() !== '').map((key) => Buffer.from(key.trim(), 'base64'));
  if (keys.every((key) => key.length === 32 && new Set(key).size > 8)) return keys;
  context.addIssue({
    code: 'custom',
    message: 'must be random keys of 32 bytes in base64, newest first (openssl rand -base64 32)',
  });
  return z.NEVER;
}); // prettier-ignore

/** Every environment variable that the server reads, with its default. docs/operations.md explains them to operators. */
const variables = z.object({
  CSSS_MODE: z.enum(['demo', 'production']).default('demo'),
  ROLE: roles.prefault('all'),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(0, 65535).default(8080),
  METRICS_PORT: wholeNumber(1, 65535).optional(),
  DRAIN_SECONDS: wholeNumber(0, 300).optional(),
  ...dimseVariables,
  PUBLIC_URL: httpOrigin.optional(),
  TRUSTED_PROXIES: proxies.optional(),
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres://').optional(),
  DATABASE_OWNER_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres://').optional(),
  SECRET_KEYS: secretKeys.prefault(''),
  DATABASE_POOL: wholeNumber(4, 200).default(20),
  DATA_DIR: z.string().default('data'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug']).default('info'),
  SITE_NAME: z.string().trim().min(1).max(200).optional(),
  SITE_TIME_ZONE: timeZone.optional(),
  CONFIDENCE_THRESHOLD: z.coerce.number().gt(0).lt(1).default(0.75),
  ANALYZE_ON_ARRIVAL: flag.default(false),
  STUDY_QUIET_SECONDS: wholeNumber(1, longestQuiet).default(60),
  STUDY_QUIET_SECONDS_OF: quietTimes.prefault(''),
  AI_MOST_IMAGES: wholeNumber(1, 50).default(20),
  AI_ORDERS_WORK_LIST: flag.default(true),
  FOUR_EYES: flag.default(true),
  CORRECTED_RESENDS: z.enum(['hold', 'accept']).default('hold'),
  TRUSTED_SENDERS: z.string().default('').transform((text) => text.split(',').map((name) => name.trim()).filter(Boolean)),
  MODEL_DIR: z.string().default('models/chest-mobilenet-v2'),
  MODEL_CANDIDATES: z
    .string()
    .default('models/chest-mobilenet-v2-int8')
    .transform((text) => text.split(',').map((folder) => folder.trim()).filter((folder) => folder !== 'none')),
  MODELS_DIR: z.string().optional(),
  EXECUTION_PROVIDERS: z
    .string()
    .default('cuda,webgpu,cpu')
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(['cuda', 'webgpu', 'cpu'])).min(1)),
  ANALYSIS_WORKERS: wholeNumber(1, 64).optional(),
  ANALYSIS_BATCH: wholeNumber(1, 128).default(16),
  ANALYSIS_BATCH_DELAY_MS: wholeNumber(0, 1000).default(5),
  CHROMIUM_PATH: z.string().optional(),
  SMTP_URL: z.string().regex(/^smtps?:\/\//, 'must start with smtp:// or smtps://').optional(),
  MAIL_FROM: z.email().default('reports@csss.example'),
  REPORT_MAIL: z.enum(['verified', 'always']).optional(),
  DELIVERY_RETENTION_DAYS: wholeNumber(30, 3650).default(365),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((text) => text.split(',').map((origin) => origin.trim()).filter(Boolean))
    .pipe(z.array(z.url().refine((origin) => new URL(origin).origin === origin, 'must be an origin without a path'))),
  JWKS_HOSTS: hosts.prefault(''),
  UPLOAD_PICTURE_BYTES: wholeNumber(1024, 2 ** 30).default(defaultUploadLimits.pictureBytes),
  UPLOAD_PICTURE_PIXELS: wholeNumber(10_000, 250_000_000).default(defaultUploadLimits.picturePixels),
  UPLOAD_FILE_BYTES: wholeNumber(1024, 2 ** 40).default(defaultUploadLimits.fileBytes),
  UPLOAD_ARCHIVE_FILES: wholeNumber(1, 100_000).default(defaultUploadLimits.archiveFiles),
  UPLOAD_ARCHIVE_BYTES: wholeNumber(1024, 2 ** 42).default(defaultUploadLimits.archiveBytes),
  UPLOAD_ACCOUNT_FILES: wholeNumber(1, 100_000).default(defaultUploadLimits.accountFiles),
  UPLOAD_ACCOUNT_BYTES: wholeNumber(1024, 2 ** 42).default(defaultUploadLimits.accountBytes),
  UPLOAD_KEEP_HOURS: wholeNumber(1, 720).default(defaultUploadLimits.keepHours),
  MAX_FHIR_BYTES: wholeNumber(1024, 1024 ** 3).default(10 * 1024 ** 2),
  MAX_INSTANCE_BYTES: wholeNumber(1024, 2 ** 40).default(4 * 1024 ** 3),
  MAX_STORE_BYTES: wholeNumber(1024, 2 ** 45).default(defaultBudget.storeBytes),
  MAX_STORE_PARTS: wholeNumber(1, 1_000_000).default(defaultBudget.parts),
  MAX_REQUESTS_PER_CALLER: wholeNumber(1, 10_000).default(defaultBudget.perCaller),
  MAX_CONNECTIONS: wholeNumber(10, 100_000).default(defaultBudget.connections),
  MIN_BYTES_PER_SECOND: wholeNumber(0, 2 ** 30).default(defaultBudget.pace.bytesPerSecond),
  AUDIT_RETENTION_MONTHS: wholeNumber(0, 1200)
    .refine((months) => months === 0 || months >= 12, 'must be 0 (for ever) or at least 12')
    .default(0),
  CHANGE_RETENTION_DAYS: wholeNumber(1, 3650).default(14),
  REMOVED_RETENTION_DAYS: wholeNumber(1, 3650).default(30),
  EXPIRED_RETENTION_DAYS: wholeNumber(0, 3650).default(7),
  REJECTION_NOTES_FROM: clientIds.optional(),
  REGISTRATION: z.enum(['open', 'closed']).optional(),
  BACKEND_CLIENT_JWKS: z.string().optional(),
  SECOND_FACTOR_ROLES: personRoles.optional(),
  MAIL_CODES: flag.optional(),
  SECOND_FACTOR_REMEMBER_DAYS: wholeNumber(0, 365).default(30),
  IDLE_LOCK_MINUTES: wholeNumber(0, 240).default(15),
  WEB_PUSH: flag.default(true),
}); // prettier-ignore

/** What a process does. */
export interface Roles {
  /** Answers requests of FHIR, DICOMweb, SMART and the web application. */
  api: boolean;
  /** Takes jobs and keeps house: it has the models, the browser and the mail relay. */
  worker: boolean;
  /** Takes associations of modalities and workstations, where it has a port. */
  dimse: boolean;
  /** All of it, in the one process that also migrates the database when it starts. */
  all: boolean;
}

export interface Config {
  mode: 'demo' | 'production';
  roles: Roles;
  host: string;
  port: number;
  /** Port of `/metrics`, on `host`; without it there is none. */
  metricsPort: number | undefined;
  dimse: DimseConfig;
  /** How long `/readyz` says 503, and everything else still works, before the server stops taking requests. */
  drainSeconds: number;
  publicUrl: string | undefined;
  /** Addresses and CIDR ranges. */
  trustedProxies: string[];
  databaseUrl: string | undefined;
  /** Of the role that owns the tables, where the server itself runs with one that may not change them. */
  databaseOwnerUrl: string | undefined;
  /** Of 32 bytes, newest first: what is secret in the database is encrypted with them. */
  secretKeys: Buffer[];
  databasePool: number;
  dataDir: string;
  logLevel: string;
  /** Undefined: as an administrator says it on the page of the set-up. */
  siteName: string | undefined;
  /** As `siteName`. */
  timeZone: string | undefined;
  confidenceThreshold: number;
  analyzeOnArrival: boolean;
  studyQuietSeconds: number;
  studyQuietSecondsOf: ReadonlyMap<string, number>;
  aiMostImages: number;
  aiOrdersWorkList: boolean;
  fourEyes: boolean;
  correctedResends: 'hold' | 'accept';
  /** Client ids. */
  trustedSenders: string[];
  modelDir: string;
  modelCandidates: string[];
  modelsDir: string;
  executionProviders: ('cuda' | 'webgpu' | 'cpu')[];
  analysisWorkers: number | undefined;
  /** On an accelerator only. */
  analysisBatch: { size: number; delayMs: number };
  chromiumPath: string | undefined;
  smtpUrl: string | undefined;
  mailFrom: string;
  /** To confirmed addresses only, or to any. */
  reportMail: 'verified' | 'always';
  deliveryRetentionDays: number;
  corsOrigins: string[];
  /** Of the internal network, whose key sets may be fetched. */
  jwksHosts: string[];
  maxFhirBytes: number;
  maxInstanceBytes: number;
  uploads: UploadLimits;
  /** Of one request, connection and caller. */
  budget: Budget;
  /** Whole months of the audit trail that are kept besides the present one; 0: all. */
  auditRetentionMonths: number;
  /** How long a reader of the feed of changes may stay away. */
  changeRetentionDays: number;
  /** How long removed images can be brought back, and whose rejection notes act. */
  removal: RemovalSettings;
  /** Whether patients make accounts themselves. */
  registration: 'open' | 'closed';
  /** Roles that cannot sign in with the password alone. */
  secondFactorRoles: Role[];
  mailCodes: boolean;
  /** Days that a browser is not asked for a second factor at sign-in, if the person wants that; 0: not at all. */
  rememberDeviceDays: number;
  /** Minutes after which a page of the web application that nobody uses is covered; 0: never. */
  idleLockMinutes: number;
  /** Whether browsers can be told that there is news, by the push services of their makers. */
  webPush: boolean;
  /** JSON Web Key Set of the demo backend client, if one is to be registered. */
  backendClientJwks: string | undefined;
}

export class ConfigurationError extends Error {}

function areRanges(ranges: string[]): boolean {
  try {
    trustedProxies(ranges);
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads and checks the whole environment once.
 *
 * @throws ConfigurationError naming every mistake at once, each with its variable.
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = variables.safeParse(given);
  const mistakes = parsed.success
    ? [...contradictory(parsed.data), ...unsafe(parsed.data)]
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (!parsed.success || mistakes.length > 0) {
    throw new ConfigurationError(
      ['The configuration has mistakes:', ...mistakes.map((line) => `  - ${line}`)].join('\n'),
    );
  }
  const value = parsed.data;
  return {
    mode: value.CSSS_MODE,
    roles: value.ROLE,
    host: value.HOST,
    port: value.PORT,
    metricsPort: value.METRICS_PORT,
    dimse: dimseOf(value),
    drainSeconds: value.DRAIN_SECONDS ?? (value.CSSS_MODE === 'production' ? 5 : 0),
    publicUrl: value.PUBLIC_URL,
    trustedProxies: value.TRUSTED_PROXIES ?? [],
    databaseUrl: value.DATABASE_URL,
    databaseOwnerUrl: value.DATABASE_OWNER_URL,
    secretKeys: value.SECRET_KEYS,
    databasePool: value.DATABASE_POOL,
    dataDir: resolve(value.DATA_DIR),
    logLevel: value.LOG_LEVEL,
    siteName: value.SITE_NAME,
    timeZone: value.SITE_TIME_ZONE,
    confidenceThreshold: value.CONFIDENCE_THRESHOLD,
    analyzeOnArrival: value.ANALYZE_ON_ARRIVAL,
    studyQuietSeconds: value.STUDY_QUIET_SECONDS,
    studyQuietSecondsOf: value.STUDY_QUIET_SECONDS_OF,
    aiMostImages: value.AI_MOST_IMAGES,
    aiOrdersWorkList: value.AI_ORDERS_WORK_LIST,
    fourEyes: value.FOUR_EYES,
    correctedResends: value.CORRECTED_RESENDS,
    trustedSenders: value.TRUSTED_SENDERS,
    modelDir: resolve(value.MODEL_DIR),
    modelCandidates: value.MODEL_CANDIDATES.map((folder) => resolve(folder)),
    modelsDir: resolve(value.MODELS_DIR ?? join(value.DATA_DIR, 'models')),
    executionProviders: value.EXECUTION_PROVIDERS,
    analysisWorkers: value.ANALYSIS_WORKERS,
    analysisBatch: { size: value.ANALYSIS_BATCH, delayMs: value.ANALYSIS_BATCH_DELAY_MS },
    chromiumPath: value.CHROMIUM_PATH,
    smtpUrl: value.SMTP_URL,
    mailFrom: value.MAIL_FROM,
    reportMail: value.REPORT_MAIL ?? (value.CSSS_MODE === 'production' ? 'verified' : 'always'),
    deliveryRetentionDays: value.DELIVERY_RETENTION_DAYS,
    corsOrigins: value.CORS_ORIGINS,
    jwksHosts: value.JWKS_HOSTS,
    maxFhirBytes: value.MAX_FHIR_BYTES,
    maxInstanceBytes: value.MAX_INSTANCE_BYTES,
    uploads: {
      pictureBytes: value.UPLOAD_PICTURE_BYTES,
      picturePixels: value.UPLOAD_PICTURE_PIXELS,
      fileBytes: Math.min(value.UPLOAD_FILE_BYTES, value.MAX_INSTANCE_BYTES),
      archiveFiles: value.UPLOAD_ARCHIVE_FILES,
      archiveBytes: value.UPLOAD_ARCHIVE_BYTES,
      accountFiles: value.UPLOAD_ACCOUNT_FILES,
      accountBytes: value.UPLOAD_ACCOUNT_BYTES,
      keepHours: value.UPLOAD_KEEP_HOURS,
    },
    budget: {
      ...defaultBudget,
      storeBytes: value.MAX_STORE_BYTES,
      parts: value.MAX_STORE_PARTS,
      perCaller: value.MAX_REQUESTS_PER_CALLER,
      connections: value.MAX_CONNECTIONS,
      pace: { ...defaultBudget.pace, bytesPerSecond: value.MIN_BYTES_PER_SECOND },
    },
    auditRetentionMonths: value.AUDIT_RETENTION_MONTHS,
    changeRetentionDays: value.CHANGE_RETENTION_DAYS,
    removal: {
      retentionDays: value.REMOVED_RETENTION_DAYS,
      expiredRetentionDays: value.EXPIRED_RETENTION_DAYS,
      ...(value.REJECTION_NOTES_FROM && { notesFrom: value.REJECTION_NOTES_FROM }),
    },
    registration: value.REGISTRATION ?? (value.CSSS_MODE === 'demo' ? 'open' : 'closed'),
    secondFactorRoles: value.SECOND_FACTOR_ROLES ?? (value.CSSS_MODE === 'production' ? ['admin'] : []),
    mailCodes: value.MAIL_CODES ?? value.CSSS_MODE === 'demo',
    rememberDeviceDays: value.SECOND_FACTOR_REMEMBER_DAYS,
    idleLockMinutes: value.IDLE_LOCK_MINUTES,
    webPush: value.WEB_PUSH,
    backendClientJwks: value.BACKEND_CLIENT_JWKS,
  };
}

function contradictory(value: z.infer<typeof variables>): string[] {
  const { PORT, METRICS_PORT, ROLE, PUBLIC_URL, SMTP_URL } = value;
  const mistakes: string[] = [];
  if (value.CORRECTED_RESENDS === 'accept' && value.TRUSTED_SENDERS.length === 0)
    mistakes.push('TRUSTED_SENDERS: names nobody, so CORRECTED_RESENDS=accept would accept nothing');
  if (value.DATABASE_OWNER_URL && !value.DATABASE_URL)
    mistakes.push('DATABASE_OWNER_URL: needs DATABASE_URL, of the role that the server runs with');
  mistakes.push(...dimseMistakes(value));
  if (METRICS_PORT === PORT) mistakes.push('METRICS_PORT: must be another port than PORT');
  // A worker writes addresses too, and its own port is in none of them.
  if (!ROLE.all && !PUBLIC_URL)
    mistakes.push('PUBLIC_URL: must be set, the same for all processes, unless ROLE is all');
  if (ROLE.worker && !ROLE.api && !SMTP_URL)
    mistakes.push("SMTP_URL: a worker needs a mail relay; the demo's own mailbox is read in the process that fills it");
  return mistakes;
}

/** What is allowed for a demo on a laptop and dangerous with real patients. */
function unsafe(value: z.infer<typeof variables>): string[] {
  if (value.CSSS_MODE === 'demo') {
    const hosts = { HOST: value.HOST, DIMSE_HOST: value.DIMSE_HOST ?? '127.0.0.1' };
    return Object.entries(hosts)
      .filter(([, host]) => !['127.0.0.1', 'localhost', '::1'].includes(host))
      .map(([name]) => `${name}: demo mode has published passwords; it listens on 127.0.0.1 only (or set CSSS_MODE=production)`); // prettier-ignore
  }
  const mistakes: string[] = [];
  if (!value.PUBLIC_URL?.startsWith('https://'))
    mistakes.push('PUBLIC_URL: production needs the https:// address that users and systems see');
  if (value.TRUSTED_PROXIES === undefined)
    mistakes.push(
      'TRUSTED_PROXIES: production has a proxy for TLS: its addresses or ranges, or none; see operations.md',
    );
  if (!value.DATABASE_URL) mistakes.push('DATABASE_URL: production needs a PostgreSQL of its own, with back-ups');
  if (/:\/\/[^:/@]+:(csss|postgres|password|changeme|secret)@/i.test(value.DATABASE_URL ?? ''))
    mistakes.push('DATABASE_URL: the password is a well-known default');
  if (value.SECRET_KEYS.length === 0)
    mistakes.push('SECRET_KEYS: production needs a key for the secrets in the database: openssl rand -base64 32');
  if (!value.SMTP_URL) mistakes.push('SMTP_URL: production needs a mail relay for released reports');
  if (value.BACKEND_CLIENT_JWKS) mistakes.push('BACKEND_CLIENT_JWKS: registers a demo client; not in production');
  return mistakes;
}

/**
 * The demo backend client, if its public keys are given.
 *
 * @throws ConfigurationError when they are not a JSON Web Key Set.
 */
export function readBackendClients(
  config: Config,
): { id: string; name: string; jwks: { keys: Record<string, unknown>[] }; allowedScope: string }[] {
  if (config.backendClientJwks === undefined) return [];
  try {
    const jwks = z
      .object({ keys: z.array(z.record(z.string(), z.unknown())).min(1) })
      .parse(JSON.parse(config.backendClientJwks));
    return [{ id: 'csss-demo-backend', name: 'Demo backend service', jwks, allowedScope: 'system/*.cruds' }];
  } catch (cause) {
    throw new ConfigurationError('BACKEND_CLIENT_JWKS: must be a JSON Web Key Set: {"keys":[...]}', { cause });
  }
}
