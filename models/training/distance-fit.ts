import { columnMeans, covariance, eigenSymmetric, leadingSubspace, product, type Matrix } from './linear-algebra.ts';
import { tensor, type Weights } from './tensor.ts';

/** Principal components that describe the training images. */
export const COMPONENTS = 64;
const SMALLEST_VARIANCE = 1e-6;

/**
 * The two distances that tell how far an image is from everything in training (Lee et al. 2018, in PCA space): the
 * Mahalanobis distance to the nearest class centre under the pooled covariance within classes, and the norm of what
 * the principal components cannot describe.
 *
 * @param groups one number for each row; rows of one class and modality share it.
 * @returns the `distance.*` tensors of the deployed graph.
 */
export async function fitDistance(
  embeddings: Matrix,
  groups: readonly number[],
  components = COMPONENTS,
): Promise<Weights> {
  const { rows, width } = embeddings;
  const mean = columnMeans(embeddings);
  const basis = leadingSubspace(await covariance(embeddings, mean), width, components);
  const centred = Float64Array.from(embeddings.data, (value, at) => value - (mean[at % width] as number));
  const scores = product(centred, basis, rows, width, components);
  const names = [...new Set(groups)].sort((one, other) => one - other);
  const sums = new Float64Array(names.length * components);
  const counts = names.map((name) => groups.filter((group) => group === name).length);
  groups.forEach((group, row) => {
    const centre = names.indexOf(group);
    for (let k = 0; k < components; k++) {
      const at = centre * components + k;
      sums[at] = (sums[at] as number) + (scores[row * components + k] as number) / (counts[centre] ?? 1);
    }
  });
  const { values, vectors } = eigenSymmetric(withinCovariance(scores, groups, names, sums, components), components);
  const deviations = Float32Array.from(values, (value) => Math.sqrt(Math.max(value, SMALLEST_VARIANCE)));
  const turned = product(basis, vectors, width, components, components);
  const centres = product(sums, vectors, names.length, components, components);
  return new Map([
    ['distance.mean', tensor([width], mean)],
    ['distance.components', tensor([width, components], Float32Array.from(turned))],
    ['distance.deviations', tensor([components], deviations)],
    [
      'distance.centres',
      tensor(
        [names.length, components],
        Float32Array.from(centres, (value, at) => value / (deviations[at % components] as number)),
      ),
    ],
  ]);
}

function withinCovariance(
  scores: Float64Array,
  groups: readonly number[],
  names: readonly number[],
  centres: Float64Array,
  components: number,
): Float64Array {
  const rows = groups.length;
  const deviations = new Float64Array(scores.length);
  groups.forEach((group, row) => {
    const centre = names.indexOf(group) * components;
    for (let k = 0; k < components; k++) {
      deviations[row * components + k] = (scores[row * components + k] as number) - (centres[centre + k] as number);
    }
  });
  const transposed = new Float64Array(scores.length);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < components; k++) transposed[k * rows + row] = deviations[row * components + k] as number;
  }
  return product(transposed, deviations, components, rows, components).map((value) => value / rows);
}
