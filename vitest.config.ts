import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', '**/node_modules/**'],
    globalSetup: 'test/harness/postgres.ts',
    // Real databases, browsers and models: slow machines get time instead of flaky failures.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // As the server runs: no way from an object to the one that all inherit from.
    execArgv: ['--disable-proto=delete'],
    setupFiles: 'server/core/sealed-prototype.ts',
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});
