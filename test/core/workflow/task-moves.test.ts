import { expect, test } from 'vitest';
import { checkMove, isEnded, taskMoves, wayTo, type TaskStatus } from '../../../server/core/workflow/task-moves.ts';

const statuses = Object.keys(taskMoves) as TaskStatus[];
const legal = new Set(
  `draft>requested draft>cancelled
   requested>received requested>accepted requested>rejected requested>ready requested>in-progress requested>cancelled
   received>accepted received>rejected received>cancelled
   accepted>in-progress accepted>cancelled ready>in-progress ready>cancelled
   in-progress>on-hold in-progress>completed in-progress>failed in-progress>cancelled
   on-hold>in-progress on-hold>failed on-hold>cancelled
   rejected>entered-in-error completed>entered-in-error failed>entered-in-error cancelled>entered-in-error`.split(
    /\s+/,
  ),
);

test.each(statuses.flatMap((from) => statuses.map((to) => [from, to] as const)))('%s -> %s', (from, to) => {
  const may = from === to || legal.has(`${from}>${to}`);
  if (may) expect(() => checkMove(from, to)).not.toThrow();
  else
    expect(() => checkMove(from, to)).toThrow(
      expect.objectContaining({ code: 'conflict', expression: 'Task.status' }) as Error,
    );
});

test('the way between two statuses passes legal moves only', () => {
  expect(wayTo('received', 'in-progress')).toEqual(['accepted', 'in-progress']);
  expect(wayTo('requested', 'in-progress')).toEqual(['in-progress']);
  expect(wayTo('in-progress', 'in-progress')).toEqual([]);
  expect(() => wayTo('completed', 'in-progress')).toThrow(/completed cannot become in-progress/);
});

test('every FHIR Task status is in the table, and five of them are ends', () => {
  expect(statuses).toHaveLength(12);
  expect(statuses.filter(isEnded).sort()).toEqual(['cancelled', 'completed', 'entered-in-error', 'failed', 'rejected']);
});
