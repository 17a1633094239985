/** The columns by which rows of work are found and sorted, from the row. */
import { displays } from '../../../core/vocabulary/displays.ts';
import { folded } from '../../../core/workflow/work/words.ts';
import { type KnownFact, namedBy } from '../../../core/workflow/work/work-facts.ts';
import { priorities, type WorkRow } from '../../../core/workflow/work/work-row.ts';

/** In the order in which a review goes through them. */
const statuses = Object.keys(displays.status);
/** Later than anything: so that of equals in urgency the one that waits longest is the greater. */
const far = 1e14;

export function sortValues(row: WorkRow): Record<string, unknown> {
  const { finding, study, patient } = row;
  const priority = priorities.indexOf(row.priority);
  const isAnswer = finding !== undefined && finding.kind !== 'not-served';
  return {
    status: row.status,
    patient: patient.id,
    modalities: study.modality?.split(' ') ?? [],
    finding: finding?.label,
    findingKind: finding?.kind,
    conclusionKind: row.conclusion?.kind,
    priority,
    open: row.steps.map(({ kind }) => kind),
    holders: row.steps.flatMap(({ kind, owner }) => (kind === 'ai-inference' ? [] : (owner ?? []))),
    people: row.people,
    reader: row.verifiedBy,
    prescribed: instant(row.prescribedAt),
    byScan: folded(row.scan),
    byPatient: patient.name === '' ? undefined : folded(patient.name).slice(0, 500),
    byStatus: statuses.indexOf(row.status),
    byFinding: isAnswer ? finding.label : undefined,
    byConfidence: finding?.probability,
    byUploaded: instant(row.uploadedAt),
    byVerified: instant(row.verifiedAt),
    byPriority: priority * far + (far - Date.parse(row.waitingSince)),
    byReleased: instant(row.releasedAt),
    byChanged: instant(row.changedAt),
  };
}

/** The records that the row is told from, beside Tasks. */
export function namesOf(known: readonly KnownFact[]): { sources: string[]; report?: string } {
  const head = known.find(({ fact }) => fact.of === 'review')?.fact;
  if (head?.of !== 'review') return { sources: [] };
  const { report } = head;
  return { sources: [...new Set(namedBy(head))], ...(report && { report: report.slice(report.indexOf('/') + 1) }) };
}

/** Of a date that is not whole, or none at all, nothing: it has no place in an order. */
function instant(text: string | undefined): string | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
