import { scanClasses } from '../vocabulary/scan-findings.ts';
import type { Answer, ComparedCell } from './analysis-log.ts';

export interface Agreement {
  count: number;
  /** Share of images with the same answer, 0..1; null without images. */
  agreement: number | null;
  /** Mean over images and classes of |difference of probability|. */
  meanDifference: number | null;
}

export interface Comparison extends Agreement {
  from: Date | null;
  to: Date | null;
  /** Of rows (active model) and columns (shadow). */
  answers: Answer[];
  confusion: number[][];
  /** Against the doctor's class, where one is known: the coded conclusion, else the answer that was agreed to. */
  doctor: { count: number; activeAgrees: number; shadowAgrees: number };
  groups: (Agreement & { modality: string; scanner: string })[];
}

export const answers: Answer[] = [...scanClasses, 'Uncertain', 'Unsupported'];

export function compare(cells: readonly ComparedCell[]): Comparison {
  const times = (pick: (cell: ComparedCell) => Date) => cells.map((cell) => pick(cell).getTime());
  const read = cells.flatMap((cell) => {
    const truth = cell.reading ?? (cell.verdict === 'agree' ? cell.active : undefined);
    return truth === undefined ? [] : [{ ...cell, truth }];
  });
  return {
    ...agreementOf(cells),
    from: cells.length === 0 ? null : new Date(Math.min(...times(({ from }) => from))),
    to: cells.length === 0 ? null : new Date(Math.max(...times(({ to }) => to))),
    answers,
    confusion: answers.map((active) =>
      answers.map((shadow) => total(cells.filter((cell) => cell.active === active && cell.shadow === shadow))),
    ),
    doctor: {
      count: total(read),
      activeAgrees: total(read.filter(({ active, truth }) => active === truth)),
      shadowAgrees: total(read.filter(({ shadow, truth }) => shadow === truth)),
    },
    groups: grouped(cells),
  };
}

function grouped(cells: readonly ComparedCell[]): Comparison['groups'] {
  const keys = [...new Set(cells.map(({ modality, scanner }) => JSON.stringify([modality, scanner])))].sort();
  return keys.map((key) => {
    const [modality, scanner] = JSON.parse(key) as [string, string];
    return {
      modality,
      scanner,
      ...agreementOf(cells.filter((cell) => cell.modality === modality && cell.scanner === scanner)),
    };
  });
}

function agreementOf(cells: readonly ComparedCell[]): Agreement {
  const count = total(cells);
  const difference = cells.reduce((sum, cell) => sum + cell.difference, 0);
  const same = total(cells.filter(({ active, shadow }) => active === shadow));
  return {
    count,
    agreement: count === 0 ? null : same / count,
    meanDifference: count === 0 ? null : difference / count,
  };
}

function total(cells: readonly { count: number }[]): number {
  return cells.reduce((sum, { count }) => sum + count, 0);
}
