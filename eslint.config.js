import tseslint from 'typescript-eslint';
import regexp from 'eslint-plugin-regexp';
import vue from 'eslint-plugin-vue';
import noOutsideKey from './scripts/no-outside-key.mjs';

/** All that a tsconfig.json names; rules that ask for types know nothing of other files. */
const typed = ['{server,models,scripts,test,viewer}/**/*.{ts,vue}', 'scripts/*.mjs', '*.ts'];
const parserOptions = {
  project: ['tsconfig.json', 'viewer/tsconfig.json', 'scripts/tsconfig.json'],
  tsconfigRootDir: import.meta.dirname,
  extraFileExtensions: ['.vue'],
};

export default tseslint.config(
  { ignores: ['node_modules', 'viewer/dist', 'data'] },
  ...tseslint.configs.recommended,
  ...vue.configs['flat/essential'],
  { files: ['**/*.vue'], languageOptions: { parserOptions: { parser: tseslint.parser } } },
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off', // noUncheckedIndexedAccess asks for them where a length was checked
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-console': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'vue/multi-word-component-names': 'off',
    },
  },
  {
    files: ['server/**', 'viewer/**'],
    plugins: { regexp },
    rules: {
      // Text from outside meets these patterns on the event loop: none may take more than linear time.
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false }],
    },
  },
  {
    files: typed,
    languageOptions: { parserOptions },
    rules: {
      // `void` lets a promise go. Its failure is heard all the same: it ends the server or session (server/main.ts), is
      // the `error` of a worker thread, and is told to the person in the web application (viewer/src/unheard-failures.ts).
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      // Not `require-await`: `async` without `await` is how a function keeps its word to give a promise, also when it throws.
    },
  },
  {
    files: ['server/**/*.ts', 'viewer/src/**/*.ts'],
    ignores: ['server/core/table.ts'],
    plugins: { csss: { rules: { 'no-outside-key': noOutsideKey } } },
    rules: { 'csss/no-outside-key': 'error' },
  },
  { files: ['scripts/**', 'models/training/**', 'test/bench/**', 'server/main.ts'], rules: { 'no-console': 'off' } },
);
