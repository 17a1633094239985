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
});

test('a demo with its published passwords does not listen beyond this machine', () => {
  expect(() => readConfig({ HOST: '0.0.0.0' })).toThrow(/published passwords/);
});
