import { gatherReport } from '../core/reports/gather-report.ts';
import { keepReport, numberReport } from '../core/reports/keep-report.ts';
import { reportHtml } from '../core/reports/report-html.ts';
import type { World } from '../core/world.ts';
import { systemPrincipal } from '../core/principal.ts';
import { inOneTransaction } from '../core/records/write.ts';
import { failIssue, waitingDelivery } from '../core/workflow/release.ts';
import { isMismatch } from '../core/workflow/signature.ts';
import type { TakenJob } from '../core/jobs.ts';

const printer = { principal: systemPrincipal('reports') };

/**
 * Makes the report that an approval owes: number and content in short reads and writes, printing outside any
 * transaction, then PDF, final report, REPORT_READY and the owed mail together or not at all.
 *
 * @param job data.task: id of the `report-delivery` Task
 * @throws whatever went wrong, for another try; on the last the delivery step fails with `print-failed`, nothing
 * is released, and a fresh approval waits. Records that differ from what was signed are not printed at all.
 */
export async function issueReport(world: World, job: TakenJob): Promise<void> {
  const taskId = String(job.data['task']);
  try {
    const begun = await inOneTransaction(world, printer, (context) => numberReport(context, taskId));
    if (!begun) return;
    const { content, sources } = await gatherReport(world, begun.delivery, begun.number, world.now());
    const pdf = await world.pdf.print(reportHtml(content));
    await inOneTransaction(world, printer, (context) => keepReport(context, { ...begun, sources, pdf }));
  } catch (error) {
    // Printing again would find the same: the records have to be read and signed again.
    if (isMismatch(error)) return endIssue(world, taskId, 'signature-mismatch');
    if (!job.final) throw error;
    await endIssue(world, taskId);
    // The queue must know that this job failed, too: operators look there.
    throw error;
  }
}

/** No further try follows: the delivery step fails if it still waits. */
export async function endIssue(
  world: World,
  taskId: string,
  reason: 'print-failed' | 'signature-mismatch' = 'print-failed',
): Promise<void> {
  await inOneTransaction(world, printer, async (context) => {
    const delivery = await waitingDelivery(context, taskId);
    if (delivery) await failIssue(context, delivery, reason);
  });
}
