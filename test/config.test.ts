import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { ConfigurationError, readConfig } from '../server/config.ts';

test('an empty environment is a demo on this machine only', () => {
  const config = readConfig({});
  expect(config).toMatchObject({ mode: 'demo', host: '127.0.0.1', port: 8080, confidenceThreshold: 0.75 });
});

test('all mistakes are named at once, each with its variable', () => {
  const wrong = {
    PORT: 'eighty',
    CONFIDENCE_THRESHOLD: '1.5',
    SITE_TIME_ZONE: 'Mars/Olympus',
    EXECUTION_PROVIDERS: 'abacus',
  };
  const read = () => readConfig(wrong);
  expect(read).toThrow(ConfigurationError);
  for (const name of Object.keys(wrong)) expect(read).toThrow(new RegExp(`- ${name}[.:]`));
});

test('production refuses plain http, an embedded database, default passwords and no mail relay', () => {
  const read = () =>
    readConfig({
      CSSS_MODE: 'production',
      PUBLIC_URL: 'http://x.example',
      DATABASE_URL: 'postgres://csss:postgres@db/csss',
    });
  expect(read).toThrow(/PUBLIC_URL/);
  expect(read).toThrow(/well-known default/);
  expect(read).toThrow(/SMTP_URL/);
  expect(read).toThrow(/TRUSTED_PROXIES/);
  expect(read).toThrow(/SECRET_KEYS: production needs a key/);
  expect(() => readConfig({ SECRET_KEYS: 'short' })).toThrow(/SECRET_KEYS: must be random keys/);
});

test('the public address is a name of its own: below a path nobody could sign in', () => {
  expect(readConfig({ PUBLIC_URL: 'https://x.example:8443/' }).publicUrl).toBe('https://x.example:8443');
  for (const PUBLIC_URL of ['https://x.example/csss', 'https://x.example/?a', 'https://a:b@x.example'])
    expect(() => readConfig({ PUBLIC_URL })).toThrow(/PUBLIC_URL: must end with the host or port/);
  expect(() => readConfig({ PUBLIC_URL: 'nonsense' })).toThrow(/PUBLIC_URL: Invalid URL/);
});

test('the audit trail is kept for ever unless somebody says for how long, and not for less than a year', () => {
  expect(readConfig({})).toMatchObject({ auditRetentionMonths: 0, changeRetentionDays: 14 });
  expect(readConfig({ AUDIT_RETENTION_MONTHS: '120' }).auditRetentionMonths).toBe(120);
  expect(() => readConfig({ AUDIT_RETENTION_MONTHS: '11' })).toThrow(/AUDIT_RETENTION_MONTHS: must be 0/);
  expect(() => readConfig({ CHANGE_RETENTION_DAYS: '0' })).toThrow(/CHANGE_RETENTION_DAYS/);
  expect(readConfig({}).removal).toEqual({ retentionDays: 30, expiredRetentionDays: 7 });
  expect(readConfig({ REJECTION_NOTES_FROM: 'all' }).removal.notesFrom).toBeUndefined();
  expect(readConfig({ REJECTION_NOTES_FROM: 'pacs, ct-1' }).removal.notesFrom).toEqual(['pacs', 'ct-1']);
  expect(readConfig({ REGISTRATION: 'closed' }).registration).toBe('closed');
  expect(readConfig({}).registration).toBe('open'); // in production nobody comes in by themselves unless the site says so
  expect(() => readConfig({ REMOVED_RETENTION_DAYS: '0' })).toThrow(/REMOVED_RETENTION_DAYS/);
});

test('administrators cannot sign in with a password alone in production, and demo asks nobody', () => {
  expect(readConfig({})).toMatchObject({ secondFactorRoles: [], mailCodes: true, rememberDeviceDays: 30 });
  const production = readConfig({
    CSSS_MODE: 'production',
    PUBLIC_URL: 'https://x.example',
    TRUSTED_PROXIES: 'none',
    DATABASE_URL: 'postgres://csss:k3Jf9@db/csss',
    SECRET_KEYS: randomBytes(32).toString('base64'),
    SMTP_URL: 'smtp://relay',
  });
  expect(production).toMatchObject({ secondFactorRoles: ['admin'], mailCodes: false });
  expect(readConfig({ SECOND_FACTOR_ROLES: ' doctor, admin' }).secondFactorRoles).toEqual(['doctor', 'admin']);
  expect(readConfig({ SECOND_FACTOR_ROLES: 'none' }).secondFactorRoles).toEqual([]);
  expect(() => readConfig({ SECOND_FACTOR_ROLES: 'nurse' })).toThrow(/SECOND_FACTOR_ROLES/);
  expect(() => readConfig({ SECOND_FACTOR_REMEMBER_DAYS: '366' })).toThrow(/SECOND_FACTOR_REMEMBER_DAYS/);
});

test('hosts whose keys may be fetched inside are names and addresses, with a port where it matters', () => {
  expect(readConfig({}).jwksHosts).toEqual([]);
  expect(readConfig({ JWKS_HOSTS: ' EHR.internal, 10.1.2.3:9443,keys.example:443,[fd00::1]' }).jwksHosts).toEqual([
    'ehr.internal',
    '10.1.2.3:9443',
    'keys.example',
    '[fd00::1]',
  ]);
  for (const wrong of ['https://ehr.internal', 'ehr.internal/keys', '*.internal', 'a b', 'user@ehr'])
    expect(() => readConfig({ JWKS_HOSTS: wrong })).toThrow(/JWKS_HOSTS/);
});

test('who the proxies are is told in addresses and ranges, or is said to be nobody', () => {
  expect(readConfig({ TRUSTED_PROXIES: ' 10.0.0.1, 2001:db8::/64' }).trustedProxies).toEqual([
    '10.0.0.1',
    '2001:db8::/64',
  ]);
  expect(readConfig({ TRUSTED_PROXIES: 'none' }).trustedProxies).toEqual([]);
  expect(readConfig({}).trustedProxies).toEqual([]);
  expect(() => readConfig({ TRUSTED_PROXIES: '10.0.0.1/99' })).toThrow(/TRUSTED_PROXIES/);
});

test.each([
  'Asia/Kolkata',
  'Asia/Calcutta',
  'Europe/Kyiv',
  'Europe/Kiev',
  'Etc/UTC',
  'UTC',
  'GMT',
  'US/Eastern',
  'EST5EDT',
  'Asia/Kathmandu',
  'America/Nuuk',
  'Etc/GMT+5',
])('the zone %s is taken, and kept as it was given', (name) => {
  expect(readConfig({ SITE_TIME_ZONE: name }).timeZone).toBe(name);
});

test.each(['+05:30', 'UTC+3', 'Z', 'Berlin', 'Europe/Berlin; drop', '-08'])('%s is no zone of a site', (name) => {
  expect(() => readConfig({ SITE_TIME_ZONE: name })).toThrow(/SITE_TIME_ZONE/);
});

test('the metrics have a port of their own', () => {
  expect(() => readConfig({ PORT: '8081', METRICS_PORT: '8081' })).toThrow(/METRICS_PORT: must be another port/);
});

test('what is no number is named as that', () => {
  expect(() => readConfig({ MAX_CONNECTIONS: 'many' })).toThrow('MAX_CONNECTIONS: must be a whole number');
});

test('a demo with its published passwords does not listen beyond this machine', () => {
  expect(() => readConfig({ HOST: '0.0.0.0' })).toThrow(/published passwords/);
});

test('a process does all, or answers, or works', () => {
  const beside = { PUBLIC_URL: 'http://localhost:8080', SMTP_URL: 'smtp://relay' };
  expect(readConfig({}).roles).toEqual({ api: true, worker: true, dimse: true, all: true });
  expect(readConfig({ ...beside, ROLE: 'api' }).roles).toEqual({ api: true, worker: false, dimse: false, all: false });
  expect(readConfig({ ...beside, ROLE: 'worker' }).roles).toEqual({
    api: false,
    worker: true,
    dimse: false,
    all: false,
  });
  expect(readConfig({ ...beside, ROLE: ' worker, api' }).roles).toEqual({
    api: true,
    worker: true,
    dimse: false,
    all: false,
  });
});

test.each([
  ['everything', /ROLE: must be all, or some of api, worker and dimse/],
  ['api,', /ROLE: must be all/],
  ['all,api', /ROLE: all stands alone/],
  ['dimse', /DIMSE_PORT: ROLE names dimse, which needs a port/],
])('the role %s is a mistake', (ROLE, sentence) => {
  expect(() => readConfig({ ROLE, PUBLIC_URL: 'http://localhost:8080', SMTP_URL: 'smtp://relay' })).toThrow(sentence);
});

test('processes with a part each need the address and the relay that they share', () => {
  expect(() => readConfig({ ROLE: 'api', SMTP_URL: 'smtp://relay' })).toThrow(/PUBLIC_URL: must be set/);
  expect(() => readConfig({ ROLE: 'worker', PUBLIC_URL: 'http://localhost:8080' })).toThrow(/SMTP_URL: a worker needs/);
});

test('corrections are accepted from senders that are named, else from nobody', () => {
  expect(readConfig({})).toMatchObject({ correctedResends: 'hold', trustedSenders: [] });
  const accepting = { CORRECTED_RESENDS: 'accept', TRUSTED_SENDERS: 'ct-1, ris' };
  expect(readConfig(accepting)).toMatchObject({ correctedResends: 'accept', trustedSenders: ['ct-1', 'ris'] });
  expect(() => readConfig({ CORRECTED_RESENDS: 'accept' })).toThrow('TRUSTED_SENDERS');
  expect(() => readConfig({ CORRECTED_RESENDS: 'always' })).toThrow('CORRECTED_RESENDS');
});

test('quiet times by sender are read, and refused as a whole when one is no time', () => {
  const given = readConfig({ STUDY_QUIET_SECONDS_OF: ' client-a=5, client-b = 300 ' });
  expect([...given.studyQuietSecondsOf]).toEqual([
    ['client-a', 5],
    ['client-b', 300],
  ]);
  expect(readConfig({}).studyQuietSecondsOf.size).toBe(0);
  for (const bad of ['client-a', 'client-a=0', 'client-a=86401', 'a=5,a=6', '=5', 'a=x'])
    expect(() => readConfig({ STUDY_QUIET_SECONDS_OF: bad })).toThrow(/STUDY_QUIET_SECONDS_OF: must be senders/);
});

test('DIMSE is off unless it is configured, but in the demo, where its port is a wish', () => {
  expect(readConfig({}).dimse).toMatchObject({ port: 11112, portIsUsual: true, title: 'CSSS', host: '127.0.0.1' });
  expect(readConfig({ DIMSE_PORT: 'none' }).dimse).toMatchObject({ port: undefined, portIsUsual: false });
  expect(readConfig({ DIMSE_PORT: '104' }).dimse).toMatchObject({ port: 104, portIsUsual: false });
  expect(readConfig({ DIMSE_PRIVATE_CLASSES: '1.3.12.2, 1.2.3' }).dimse.privateClasses).toEqual(new Set(['1.3.12.2', '1.2.3'])); // prettier-ignore
});

test.each([
  [{ DIMSE_TLS_PORT: '2762' }, /DIMSE_TLS_PORT: needs DIMSE_TLS_KEY and DIMSE_TLS_CERT/],
  [{ DIMSE_TLS_KEY: 'key.pem' }, /DIMSE_TLS_KEY and DIMSE_TLS_CERT belong together/],
  [{ DIMSE_AE_TITLE: 'MORE THAN SIXTEEN CHARACTERS' }, /DIMSE_AE_TITLE/],
  [{ DIMSE_HOST: '0.0.0.0' }, /DIMSE_HOST: demo mode/],
  [{ DIMSE_PRIVATE_CLASSES: 'all,1.2' }, /DIMSE_PRIVATE_CLASSES/],
])('the settings %o of DIMSE are a mistake', (settings, sentence) => {
  expect(() => readConfig(settings)).toThrow(sentence);
});
