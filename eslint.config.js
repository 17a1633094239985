import tseslint from 'typescript-eslint';
import regexp from 'eslint-plugin-regexp';
import vue from 'eslint-plugin-vue';
import noOutsideKey from './scripts/no-outside-key.mjs';

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
    files: ['server/**/*.ts'],
    ignores: ['server/core/table.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { csss: { rules: { 'no-outside-key': noOutsideKey } } },
    rules: { 'csss/no-outside-key': 'error' },
  },
  { files: ['scripts/**', 'models/training/**', 'test/bench/**', 'server/main.ts'], rules: { 'no-console': 'off' } },
);
