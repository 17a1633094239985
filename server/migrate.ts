/**
 * `npm run migrate`: brings the database to this release and ends, for installations whose processes do not do it
 * themselves (ROLE=api, ROLE=worker). Reads the same environment as they.
 */
import './core/sealed-prototype.ts';
import { migrateDatabase } from './compose/migrate-database.ts';
import { ConfigurationError, readConfig } from './config.ts';
import { createLogger } from './log.ts';

const say = (line: string) => process.stderr.write(`${line}\n`);
const closing: (() => Promise<unknown>)[] = [];

try {
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel);
  await migrateDatabase({ config, log, onProgress: (step) => say(`  ${step} ...`), closing }, say);
} catch (error) {
  say(`The database could not be migrated: ${error instanceof Error ? error.message : String(error)}`);
  // As server/main.ts: 78 is a mistake that another try does not mend (EX_CONFIG).
  process.exitCode = error instanceof ConfigurationError ? 78 : 1;
} finally {
  for (const close of closing.reverse()) await close().catch((error: unknown) => say(String(error)));
}
