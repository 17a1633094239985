import { createMetrics, type Metrics } from '../infrastructure/metrics.ts';
import { serveMetrics } from '../infrastructure/metrics-server.ts';
import type { ServedModels } from '../infrastructure/onnx/model-files.ts';
import type { Clock } from '../infrastructure/postgres/clock.ts';
import { poolOf } from '../infrastructure/postgres/connection.ts';
import { jobBacklog } from '../infrastructure/postgres/jobs/backlog.ts';
import type { Database } from './database.ts';
import type { Images } from './images.ts';
import type { Start } from './start.ts';

/** Counts and times of this process. What its role does not have makes no series. */
export function openMeasures(
  { dataSource, sql }: Database,
  { reader, pixels }: Images,
  { classifier }: ServedModels,
  clock: Clock,
): Metrics {
  const pool = poolOf(dataSource);
  return createMetrics({
    connections: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    threads: { reader: reader.load, pixels: pixels.load },
    classifier() {
      const state = classifier.state();
      return state.ready ? state.load : undefined;
    },
    backlog: () => jobBacklog(sql),
    clockAheadMs: clock.aheadMs,
  });
}

/** `/metrics` on its port, where one is set. */
export async function serveMeasures({ config, closing }: Start, metrics: Metrics): Promise<void> {
  if (config.metricsPort === undefined) return;
  closing.push((await serveMetrics(metrics, { host: config.host, port: config.metricsPort })).close);
}
