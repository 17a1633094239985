import { OnnxGraph } from './onnx-graph.ts';
import { seededRandom } from './random.ts';
import { floatTensor, openGraph } from './session.ts';

/** Row-major [rows, width]. */
export interface Matrix {
  rows: number;
  width: number;
  data: Float32Array;
}

/** (X - mean)^T (X - mean) / rows, [width, width]; one matrix product on the runtime, because plain loops take minutes. */
export async function covariance({ rows, width, data }: Matrix, mean: Float32Array): Promise<Float64Array> {
  const graph = new OnnxGraph('covariance');
  const centred = graph.op('Sub', [graph.input('x', 'float32', ['R', width]), graph.input('mean', 'float32', [width])]);
  graph.output(graph.op('Gemm', [centred, centred], { transA: 1 }), 'products', 'float32', [width, width]);
  const runner = await openGraph(graph.finish());
  const { products = new Float32Array() } = await runner.run({
    x: floatTensor(data, [rows, width]),
    mean: floatTensor(mean, [width]),
  });
  await runner.close();
  return Float64Array.from(products, (value) => value / rows);
}

export function columnMeans({ rows, width, data }: Matrix): Float32Array {
  const sums = new Float64Array(width);
  for (let at = 0; at < rows * width; at++) sums[at % width] = (sums[at % width] as number) + (data[at] as number);
  return Float32Array.from(sums, (sum) => sum / rows);
}

/** a [n, k] x b [k, m] in plain loops, for the small products. */
export function product(a: Float64Array, b: Float64Array, n: number, k: number, m: number): Float64Array {
  const result = new Float64Array(n * m);
  for (let row = 0; row < n; row++) {
    for (let inner = 0; inner < k; inner++) {
      const factor = a[row * k + inner] as number;
      if (factor === 0) continue;
      for (let column = 0; column < m; column++) {
        result[row * m + column] = (result[row * m + column] as number) + factor * (b[inner * m + column] as number);
      }
    }
  }
  return result;
}

/** Orthonormal columns, in place (modified Gram-Schmidt, twice for accuracy); [rows, columns]. */
function orthonormalise(basis: Float64Array, rows: number, columns: number): void {
  for (let column = 0; column < columns; column++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let before = 0; before < column; before++) {
        let dot = 0;
        for (let row = 0; row < rows; row++)
          dot += (basis[row * columns + column] as number) * (basis[row * columns + before] as number);
        for (let row = 0; row < rows; row++) {
          const at = row * columns + column;
          basis[at] = (basis[at] as number) - dot * (basis[row * columns + before] as number);
        }
      }
    }
    let squares = 0;
    for (let row = 0; row < rows; row++) squares += (basis[row * columns + column] as number) ** 2;
    const length = Math.sqrt(squares) || 1;
    for (let row = 0; row < rows; row++)
      basis[row * columns + column] = (basis[row * columns + column] as number) / length;
  }
}

/** An orthonormal basis [width, count] of the leading eigenvectors of a symmetric matrix, by subspace iteration. */
export function leadingSubspace(symmetric: Float64Array, width: number, count: number, iterations = 30): Float64Array {
  const random = seededRandom(1);
  let basis: Float64Array = Float64Array.from({ length: width * count }, () => random() - 0.5);
  for (let iteration = 0; iteration < iterations; iteration++) {
    orthonormalise(basis, width, count);
    basis = product(symmetric, basis, width, width, count);
  }
  orthonormalise(basis, width, count);
  return basis;
}

/** Eigenvalues and eigenvectors (columns) of a small symmetric matrix, by cyclic Jacobi rotations. */
export function eigenSymmetric(matrix: Float64Array, size: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let index = 0; index < size; index++) vectors[index * size + index] = 1;
  const rotate = (of: Float64Array, one: number, other: number, cos: number, sin: number): void => {
    const [x, y] = [of[one] as number, of[other] as number];
    of[one] = cos * x - sin * y;
    of[other] = sin * x + cos * y;
  };
  for (let sweep = 0; sweep < 30; sweep++) {
    let outside = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const off = a[p * size + q] as number;
        outside += off * off;
        if (Math.abs(off) < 1e-14) continue;
        const theta = ((a[q * size + q] as number) - (a[p * size + p] as number)) / (2 * off);
        const tangent = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const cos = 1 / Math.sqrt(tangent * tangent + 1);
        const sin = tangent * cos;
        for (let k = 0; k < size; k++) rotate(a, k * size + p, k * size + q, cos, sin);
        for (let k = 0; k < size; k++) rotate(a, p * size + k, q * size + k, cos, sin);
        for (let k = 0; k < size; k++) rotate(vectors, k * size + p, k * size + q, cos, sin);
      }
    }
    if (outside < 1e-20) break;
  }
  return { values: Float64Array.from({ length: size }, (_, index) => a[index * size + index] as number), vectors };
}
