import { expect, test } from 'vitest';
import { rollbackTarget } from '../../../server/core/analysis/registry/change-model.ts';
import {
  modelMoves,
  type ModelAct,
  type ModelState,
  stateAfter,
} from '../../../server/core/analysis/registry/model-states.ts';
import {
  type ModelChange,
  placesOf,
  type RegisteredModel,
} from '../../../server/core/analysis/registry/registered-model.ts';

const states: ModelState[] = ['candidate', 'shadow', 'active', 'retired'];
const acts: ModelAct[] = ['register', 'shadow', 'withdraw', 'promote', 'rollback', 'replace', 'deactivate', 'retire'];

// The whole table: what is possible is written here again, everything else must be refused.
const possible: Record<string, ModelState> = {
  'candidate shadow': 'shadow',
  'candidate promote': 'active',
  'candidate rollback': 'active',
  'candidate retire': 'retired',
  'shadow withdraw': 'candidate',
  'shadow promote': 'active',
  'shadow rollback': 'active',
  'shadow retire': 'retired',
  'active replace': 'retired',
  'active deactivate': 'retired',
  'retired shadow': 'shadow',
  'retired promote': 'active',
  'retired rollback': 'active',
};
const all = states.flatMap((state) => acts.map((act) => [state, act] as const));

test.each(all)('%s: %s', (state, act) => {
  const to = possible[`${state} ${act}`];
  if (to) expect(stateAfter(state, act)).toBe(to);
  else expect(() => stateAfter(state, act)).toThrow(expect.objectContaining({ code: 'conflict' }));
});

test('no state is a dead end', () => {
  for (const state of states) expect(Object.keys(modelMoves[state]).length).toBeGreaterThan(0);
});

let revision = 0;
const change = (digest: string, act: ModelAct, to: ModelState): ModelChange => ({
  revision: ++revision, at: new Date(), digest, act, from: null, to, by: { subject: 'a', name: 'Ada' }, reason: 'because',
}); // prettier-ignore
const active = (digest: string, act: ModelAct = 'promote') => change(digest, act, 'active');
const newestFirst = (...changes: ModelChange[]) => changes.toReversed();

test.each([
  ['nothing was active', [], undefined],
  ['one model', [active('a')], undefined],
  ['two', [active('a'), active('b')], 'a'],
  ['a roll back is not rolled back to', [active('a'), active('b'), active('c'), active('b', 'rollback')], 'a'],
  ['down to the first', [active('a'), active('b'), active('a', 'rollback')], undefined],
  [
    'on again after it was switched off',
    [active('a'), active('b'), change('b', 'deactivate', 'retired'), active('b')],
    'a',
  ],
  ['forward again', [active('a'), active('b'), active('a', 'rollback'), active('c')], 'a'],
])('roll back: %s', (_name, changes, target) => {
  expect(rollbackTarget(newestFirst(...changes))).toBe(target);
});

test('who switched the model off, and why, is said; a model that is active is served', () => {
  const model = (digest: string, state: ModelState) => ({ digest, state }) as RegisteredModel;
  const off = newestFirst(active('a'), { ...change('a', 'deactivate', 'retired'), reason: 'wrong on lateral films' });
  expect(placesOf([model('a', 'retired')], off)).toEqual({
    active: { off: 'switched off by Ada: wrong on lateral films', switchedOff: true },
    shadow: undefined,
  });
  expect(placesOf([model('a', 'active'), model('b', 'shadow')], off)).toEqual({ active: { digest: 'a' }, shadow: 'b' });
  expect(placesOf([], [])).toEqual({
    active: { off: expect.stringMatching(/^no model is active/) as string, switchedOff: false },
    shadow: undefined,
  });
});
