import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/harness/longest-first.ts';

/** What needs no running system: held by `npm run check`, before all other tests. */
const rules = ['test/architecture.test.ts', 'test/dependencies.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    // A good part of a test is waiting for another process, a browser or a timer: three keep two cores busy.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    reporters: ['default'],
    projects: [
      { test: { name: 'rules', include: rules } },
      {
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: [...rules, 'test/bench/**', '**/node_modules/**'],
          globalSetup: 'test/harness/postgres.ts',
          // Real databases, browsers and models: slow machines get time instead of flaky failures.
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // As the server runs: no way from an object to the one that all inherit from.
          execArgv: ['--disable-proto=delete'],
          setupFiles: 'server/core/sealed-prototype.ts',
        },
      },
    ],
  },
});
