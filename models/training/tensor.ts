/** A dense float32 array in row-major order. */
export interface Tensor {
  dims: readonly number[];
  data: Float32Array;
}

/** Tensors by name; the insertion order is the order in files. */
export type Weights = Map<string, Tensor>;

/** Number of elements of a shape; 1 for a scalar. */
export function elements(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** @throws RangeError when the data does not fill the shape: a silent mismatch would surface as a wrong model. */
export function tensor(dims: readonly number[], data: Float32Array = new Float32Array(elements(dims))): Tensor {
  if (data.length !== elements(dims)) throw new RangeError(`${data.length} values do not fill [${dims.join(', ')}]`);
  return { dims, data };
}

/** The tensor of that name. @throws RangeError when the weights lack it. */
export function named(weights: Weights, name: string): Tensor {
  const found = weights.get(name);
  if (!found) throw new RangeError(`the weights hold no tensor "${name}"`);
  return found;
}

/** A deep copy, so that training cannot change the weights it started from. */
export function copyWeights(weights: Weights): Weights {
  return new Map([...weights].map(([name, { dims, data }]) => [name, tensor(dims, data.slice())]));
}
