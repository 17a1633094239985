import type { EpochRecord } from './fine-tune.ts';
import { LABELS } from './labels.ts';
import type { ReliabilityBin } from './metrics.ts';

const INK = '#1f2937';
const SOFT = '#d1d5db';
const BLUE = '#1d4ed8';
const RED = '#b91c1c';

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function text(x: number, y: number, content: string, extra = ''): string {
  return `<text x="${x}" y="${y}" ${extra}>${escape(content)}</text>`;
}

/** A complete SVG with a title for screen readers and a white ground, so that it reads in dark pages too. */
function picture(width: number, height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="sans-serif" font-size="12" fill="${INK}">`,
    `<title>${escape(title)}</title><rect width="${width}" height="${height}" fill="#fff"/>`,
    text(width / 2, 20, title, 'text-anchor="middle" font-size="14" font-weight="bold"'),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Truth in rows, answers in columns; the shade is the share of the row. */
export function confusionPlot(matrix: readonly (readonly number[])[]): string {
  const [left, top, cell] = [130, 60, 68];
  const parts = matrix.flatMap((row, y) => {
    const total = row.reduce((sum, value) => sum + value, 0);
    return row.map((value, x) => {
      const share = total === 0 ? 0 : value / total;
      const [cx, cy] = [left + x * cell, top + y * cell];
      return (
        `<rect x="${cx}" y="${cy}" width="${cell}" height="${cell}" fill="${BLUE}" fill-opacity="${share.toFixed(3)}" stroke="${SOFT}"/>` +
        text(
          cx + cell / 2,
          cy + cell / 2 - 2,
          String(value),
          `text-anchor="middle" fill="${share > 0.55 ? '#fff' : INK}"`,
        ) +
        text(
          cx + cell / 2,
          cy + cell / 2 + 14,
          `${(100 * share).toFixed(0)} %`,
          `text-anchor="middle" font-size="10" fill="${share > 0.55 ? '#fff' : INK}"`,
        )
      );
    });
  });
  const names = LABELS.flatMap((label, index) => [
    text(left - 8, top + index * cell + cell / 2 + 4, label, 'text-anchor="end"'),
    text(left + index * cell + cell / 2, top + LABELS.length * cell + 16, label, 'text-anchor="middle" font-size="10"'),
  ]);
  const bottom = top + LABELS.length * cell + 34;
  return picture(left + LABELS.length * cell + 20, bottom + 14, 'Confusion matrix, test part', [
    ...parts,
    ...names,
    text(left + (LABELS.length * cell) / 2, bottom, 'answer', 'text-anchor="middle"'),
    text(left - 8, top - 10, 'truth', 'text-anchor="end"'),
  ]);
}

/** Accuracy against confidence; bars wider in count are darker. */
export function reliabilityPlot(bins: readonly ReliabilityBin[], error: number): string {
  const [left, top, side] = [60, 44, 320];
  const most = Math.max(...bins.map(({ count }) => count), 1);
  const bars = bins
    .filter(({ count }) => count > 0)
    .map(({ from, to, count, accuracy }) => {
      const opacity = 0.15 + 0.85 * Math.sqrt(count / most);
      return `<rect x="${left + from * side}" y="${top + side - accuracy * side}" width="${(to - from) * side}" height="${accuracy * side}" fill="${BLUE}" fill-opacity="${opacity.toFixed(3)}" stroke="#fff"><title>${count} images</title></rect>`;
    });
  return picture(
    left + side + 30,
    top + side + 50,
    `Reliability on the test part, calibration error ${error.toFixed(3)}`,
    [
      ...bars,
      `<line x1="${left}" y1="${top + side}" x2="${left + side}" y2="${top}" stroke="${RED}" stroke-dasharray="4 3"/>`,
      `<rect x="${left}" y="${top}" width="${side}" height="${side}" fill="none" stroke="${INK}"/>`,
      ...[0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
        text(left + tick * side, top + side + 16, String(tick), 'text-anchor="middle"'),
        text(left - 6, top + side - tick * side + 4, String(tick), 'text-anchor="end"'),
      ]),
      text(left + side / 2, top + side + 36, 'confidence', 'text-anchor="middle"'),
      text(14, top - 8, 'accuracy'),
    ],
  );
}

function curve(
  values: readonly number[],
  low: number,
  high: number,
  box: { left: number; top: number; width: number; height: number },
  colour: string,
): string {
  const points = values.map((value, index) => {
    const x = box.left + (index / Math.max(1, values.length - 1)) * box.width;
    const y = box.top + box.height * (1 - (value - low) / (high - low || 1));
    return Number.isFinite(value) ? `${x.toFixed(1)},${y.toFixed(1)}` : '';
  });
  return `<polyline points="${points.filter((point) => point !== '').join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
}

/** Loss on the left, accuracy and macro-F1 on the right, by epoch; the chosen epoch is marked. */
export function trainingPlot(history: readonly EpochRecord[], bestEpoch: number): string {
  const panel = (left: number, title: string, series: [string, number[], string][]): string[] => {
    const box = { left, top: 60, width: 280, height: 220 };
    const values = series.flatMap(([, each]) => each).filter((value) => Number.isFinite(value));
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const marked = box.left + (bestEpoch / Math.max(1, history.length - 1)) * box.width;
    return [
      `<rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}" fill="none" stroke="${SOFT}"/>`,
      `<line x1="${marked}" y1="${box.top}" x2="${marked}" y2="${box.top + box.height}" stroke="${SOFT}" stroke-dasharray="3 3"/>`,
      text(box.left + box.width / 2, box.top - 10, title, 'text-anchor="middle"'),
      text(box.left - 6, box.top + 10, high.toFixed(3), 'text-anchor="end"'),
      text(box.left - 6, box.top + box.height, low.toFixed(3), 'text-anchor="end"'),
      text(box.left, box.top + box.height + 16, 'epoch 0'),
      text(box.left + box.width, box.top + box.height + 16, String(history.length - 1), 'text-anchor="end"'),
      ...series.flatMap(([name, each, colour], index) => [
        curve(each, low, high, box, colour),
        text(box.left + index * 120, box.top + box.height + 36, name, `fill="${colour}"`),
      ]),
    ];
  };
  return picture(760, 330, 'Fine-tuning, validation part after each epoch', [
    ...panel(70, 'loss', [
      ['training', history.map(({ trainingLoss }) => trainingLoss ?? Number.NaN), RED],
      ['validation', history.map(({ validationLoss }) => validationLoss), BLUE],
    ]),
    ...panel(440, 'quality', [
      ['accuracy', history.map(({ accuracy }) => accuracy), BLUE],
      ['macro-F1', history.map(({ macroF1 }) => macroF1), RED],
    ]),
  ]);
}
