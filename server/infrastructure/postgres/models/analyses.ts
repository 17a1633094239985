import type { ComparedCell } from '../../../core/analysis/analysis-log.ts';
import type { DriftCell } from '../../../core/analysis/analysis-log.ts';
import type { AnalysisLog } from '../../../core/analysis/analysis-log.ts';
import { scanClasses } from '../../../core/vocabulary/scan-findings.ts';
import type { Sql } from '../connection.ts';

const answers = [...scanClasses, 'Uncertain', 'Unsupported'];
/** `{"COVID": 3, ...}`: how many rows of a group have each value; the values are ours, not a caller's. */
const counts = (column: string, values: readonly string[], condition = 'true') =>
  `jsonb_build_object(${values.map((value) => `'${value}', count(*) filter (where ${column} = '${value}' and ${condition})`).join(', ')})`;
const spread = (place: number) => `jsonb_build_object(
  'mean', avg(distance[${place}]),
  'median', percentile_cont(0.5) within group (order by distance[${place}]),
  'p95', percentile_cont(0.95) within group (order by distance[${place}]))`;

/** What the models said, kept beside the clinical record; reports come out as counts, never as single runs. */
export function postgresAnalyses(sql: Sql): AnalysisLog {
  return {
    async append(row) {
      await sql.query(
        `insert into analysis (task, digest, at, week, scanner, modality, answer, best, probability, probabilities, distance, finding)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (task, digest) do nothing`,
        [row.task, row.digest, row.at, row.week, row.scanner, row.modality, row.answer, row.best, row.probability, row.probabilities, row.distance, row.finding ?? null],
      ); // prettier-ignore
    },
    async appendShadow(row) {
      await sql.query(
        `insert into shadow_analysis (task, digest, at, answer, best, probability, probabilities, distance)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (task, digest) do nothing`,
        [row.task, row.digest, row.at, row.answer, row.best, row.probability, row.probabilities, row.distance],
      );
    },
    withoutShadow: (digest, since, limit) =>
      sql.query<{ task: string; finding: string }>(
        `select task, finding from analysis
          where at >= $2 and digest <> $1 and finding is not null
            and not exists (select from shadow_analysis s where s.task = analysis.task and s.digest = $1)
          order by at desc limit $3`,
        [digest, since, limit],
      ),
    async heard(finding, { verdict, reading }) {
      await sql.query(`update analysis set verdict = $2, reading = $3 where finding = $1`, [
        finding,
        verdict,
        reading ?? null,
      ]);
    },
    drift: (digest) =>
      sql.query<DriftCell>(
        `select week, scanner, count(*) as count,
                ${counts('answer', answers)} as answers,
                ${counts('best', scanClasses, `answer <> 'Unsupported'`)} as best,
                avg(probability) filter (where answer <> 'Unsupported') as "meanProbability",
                jsonb_build_array(${spread(1)}, ${spread(2)}) as distance,
                ${counts('verdict', ['agree', 'partly', 'disagree'])} as verdicts
           from analysis
          where digest = $1
          group by grouping sets ((week), (week, scanner))
          order by week, scanner nulls first`,
        [digest],
      ),
    compared: (active, shadow) =>
      sql.query<ComparedCell>(
        `select a.modality, a.scanner, a.answer as active, s.answer as shadow, a.verdict, a.reading, count(*) as count,
                sum((select avg(abs(one - other)) from unnest(a.probabilities, s.probabilities) as both_of (one, other))) as difference,
                min(a.at) as "from", max(a.at) as "to"
           from shadow_analysis s join analysis a on a.task = s.task and a.digest = $1
          where s.digest = $2
          group by a.modality, a.scanner, a.answer, s.answer, a.verdict, a.reading`,
        [active, shadow],
      ),
  };
}
