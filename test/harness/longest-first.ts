import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take ten seconds and more, longest first: one that began last would run alone at the end. */
export const longest = [
  'test/models/pipeline.test.ts',
  'test/pages/pages.test.ts',
  'test/portal/models-healing.test.ts',
  'test/portal/models.test.ts',
  'test/infrastructure/postgres/jobs.test.ts',
  'test/work/killed-worker.test.ts',
  'test/models/training-graph.test.ts',
  'test/faults/two-processes.test.ts',
  'test/journeys/browser.test.ts',
  'test/infrastructure/onnx/model-files.test.ts',
  'test/faults/uncaught.test.ts',
  'test/hostile/cost.test.ts',
  'test/infrastructure/onnx/batching.test.ts',
  'test/start.test.ts',
  'test/faults/server-killed.test.ts',
  'test/faults/stopping.test.ts',
  'test/faults/mail.test.ts',
  'test/infrastructure/onnx/providers.test.ts',
  'test/hostile/dicom-bytes.test.ts',
  'test/faults/aborts.test.ts',
  'test/pages/models-page.test.ts',
  'test/faults/disk-full.test.ts',
  'test/smart/lock-out.test.ts',
  'test/work/refusals.test.ts',
];

/** Vitest knows how long files took where they ran before; the list is for the first run, as in CI. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
