import type { ReportNumbers } from '../../core/reports/report-numbers.ts';
import type { Sql } from './connection.ts';

/**
 * One counter a year, in a row and not a sequence: the number belongs to the transaction that uses it, so a
 * failed one leaves no gap that an auditor would have to ask about.
 */
export function postgresReportNumbers(sql: Sql): ReportNumbers {
  return {
    async next(year) {
      const [row] = await sql.query<{ last: number }>(
        `insert into report_number (year, last) values ($1, 1)
         on conflict (year) do update set last = report_number.last + 1
         returning last`,
        [year],
      );
      return row!.last;
    },
  };
}
