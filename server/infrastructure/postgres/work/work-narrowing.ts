import type { Narrowing } from '../../../core/access/narrowing.ts';
import type { WorkReader } from '../../../core/workflow/work/work-row-store.ts';
import { visible } from '../records/narrowing.ts';
import type { Bindings } from '../records/search-values.ts';

/**
 * What of `work_row w` a caller may see: those of whose Task and of whose report the one predicate says so. The row has
 * `rid`, `id`, `patients` and `withheld` of its Task, so the predicate reads it as it reads a record.
 */
export function visibleWork({ review, report }: WorkReader, bound: Bindings, baseUrl: string): string {
  return [visible('Task', review, 'w', bound, baseUrl), reportSql(report, bound, baseUrl)]
    .filter((part) => part !== 'true')
    .concat('true')
    .join(' and ');
}

/**
 * The report lies in the compartment of the Task's patient, so patients that are hidden are hidden with the Task. Where
 * only reports with some status are for the caller (a pharmacist's), the row has that status beside it; whatever else a
 * narrowing says is asked of the report itself.
 */
function reportSql(narrowing: Narrowing, bound: Bindings, baseUrl: string): string {
  if (narrowing.kind === 'all') return 'true';
  const statuses = statusesOf(narrowing);
  if (statuses === 'all') return 'true';
  if (statuses) return `w.report_status = any(${bound.add(statuses)}::text[])`;
  const report = bound.alias();
  return `exists (select from record ${report} where ${report}.type = 'DiagnosticReport' and ${report}.id = w.report
                     and not ${report}.deleted and ${visible('DiagnosticReport', narrowing, report, bound, baseUrl)})`;
}

/** The statuses that a narrowing is about, if it is about nothing else but hidden patients. */
function statusesOf({ grants }: Extract<Narrowing, { kind: 'some' }>): string[] | 'all' | undefined {
  const statuses: string[] = [];
  for (const { patient, released, sharedBy, conditions = [] } of grants) {
    if (patient !== undefined || released || sharedBy || conditions.length > 1) return undefined;
    const [condition] = conditions;
    if (!condition) return 'all';
    const { parameter, modifier, chain, has, values } = condition;
    if (parameter !== 'status' || modifier !== undefined || chain || has || values.some((value) => /[|\\]/.test(value)))
      return undefined;
    statuses.push(...values);
  }
  return statuses;
}
