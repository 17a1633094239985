import { Problem } from '../../problem.ts';

/** Where a model of the registry stands. At most one is active and at most one is the shadow. */
export type ModelState = 'candidate' | 'shadow' | 'active' | 'retired';

/**
 * What is done to a model. `replace` and `withdraw` also happen by themselves: another model takes the place
 * of the active one, or of the shadow. `rollback` reaches only models that were active before, wherever they are now.
 */
export type ModelAct =
  'register' | 'shadow' | 'withdraw' | 'promote' | 'rollback' | 'replace' | 'deactivate' | 'retire';

/** State x act -> next state; what has no row is refused. A model that is new comes in as a candidate. */
export const modelMoves: Record<ModelState, Partial<Record<ModelAct, ModelState>>> = {
  candidate: { shadow: 'shadow', promote: 'active', rollback: 'active', retire: 'retired' },
  shadow: { withdraw: 'candidate', promote: 'active', rollback: 'active', retire: 'retired' },
  active: { replace: 'retired', deactivate: 'retired' },
  retired: { shadow: 'shadow', promote: 'active', rollback: 'active' },
};

/** @throws Problem `conflict` naming what is possible. */
export function stateAfter(state: ModelState, act: ModelAct): ModelState {
  const next = modelMoves[state][act];
  if (next !== undefined) return next;
  const possible = Object.keys(modelMoves[state]).join(', ');
  throw new Problem('conflict', `${act} is not possible for a model that is ${state} (possible: ${possible}).`);
}
