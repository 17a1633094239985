import { followRegistry } from '../core/analysis/registry/follow-registry.ts';
import { keepServing } from '../core/analysis/registry/keep-serving.ts';
import { digestsOf } from '../core/analysis/registry/registered-model.ts';
import { registerFound } from '../core/analysis/registry/register-models.ts';
import type { World } from '../core/world.ts';
import { modelFiles, type ServedModels } from '../infrastructure/onnx/model-files.ts';
import { modelsElsewhere } from '../infrastructure/onnx/models-elsewhere.ts';
import { postgresModels } from '../infrastructure/postgres/models/models.ts';
import type { Database } from './database.ts';
import type { Start } from './start.ts';

/** The folders of models, looked at once. Only a worker can run one; nothing runs before `serveModels`. */
export async function openModels({ config, log, closing }: Start, { sql }: Database): Promise<ServedModels> {
  const options = {
    shippedFolder: config.modelDir,
    candidateFolders: config.modelCandidates,
    modelsFolder: config.modelsDir,
    providers: config.executionProviders,
    batch: config.analysisBatch,
    onFault: (err: unknown) => log.warn({ err }, 'model files'),
  };
  const workers = config.analysisWorkers;
  const models = config.roles.worker
    ? modelFiles({ ...options, ...(workers !== undefined && { workers }) })
    : modelsElsewhere(options);
  closing.push(models.files.close);
  await models.files.scan(digestsOf(await postgresModels(sql).all()), { again: config.roles.worker });
  return models;
}

/** Lets this process follow the registry from now on. What the folders hold is taken in by those who can run it. */
export async function serveModels({ config, log, closing }: Start, world: World): Promise<void> {
  if (config.roles.worker) await registerFound(world);
  const revision = await world.read(({ models }) => models.revision());
  await followRegistry(world);
  const onFault = (err: unknown) => log.warn({ err }, 'model registry');
  closing.push(keepServing(world, revision, { everyMs: 2_000, onFault }));
}
