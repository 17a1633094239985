/** VOI windows (PS3.3 C.11.2.1.2): centre and width in the units after rescale. */
export interface Window {
  center: number;
  width: number;
}

export interface ValueRange {
  lower: number;
  upper: number;
}

/** The linear function's range: centre - 0.5 -+ (width - 1) / 2 (PS3.3 C.11.2.1.2.1). */
export function rangeOf({ center, width }: Window): ValueRange {
  const half = (Math.max(width, 1) - 1) / 2;
  return { lower: center - 0.5 - half, upper: center - 0.5 + half };
}

export function windowOf({ lower, upper }: ValueRange): Window {
  return { center: (lower + upper) / 2 + 0.5, width: upper - lower + 1 };
}

/** A window that shows every value, for images that bring none. */
export function windowOfSamples(samples: ArrayLike<number>, slope: number, intercept: number): Window {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < samples.length; at += 1) {
    const sample = samples[at] ?? 0;
    if (sample < lowest) lowest = sample;
    if (sample > highest) highest = sample;
  }
  if (lowest > highest) return { center: 0.5, width: 1 };
  const ends = [lowest * slope + intercept, highest * slope + intercept];
  return windowOf({ lower: Math.min(...ends), upper: Math.max(...ends) });
}

/** Named windows for CT, in Hounsfield units. */
export const ctWindows = {
  lung: { center: -600, width: 1500 },
  mediastinum: { center: 40, width: 400 },
  bone: { center: 400, width: 1800 },
  brain: { center: 40, width: 80 },
} as const satisfies Record<string, Window>;
