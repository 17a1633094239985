/**
 * Keeps the rows of the lists of work in the transaction that changes what they tell.
 *
 * It runs when all else of the transaction is done, and takes the locks of its rows last and in one order, so it can
 * never be part of a circle. Each row is computed from facts under its lock: of two who change different records of one
 * review, the second reads what the first has committed.
 */
import type { Resource } from '@medplum/fhirtypes';
import type { StoredRecord } from '../../records/record-store.ts';
import type { Stores } from '../../world.ts';
import { factOf, type KnownFact, namedBy, reviewIdOfTask, tellingTypes } from './work-facts.ts';
import type { HeldRow, SourceVersion } from './work-row-store.ts';
import { rowOfFacts } from './row-of-facts.ts';
import { wordsOf } from './words.ts';

type Rows = Pick<Stores, 'workRows'>;

/** How many rows are computed at once: a Patient may have thousands of reviews. */
const atOnce = 200;

/** @param written what the transaction has stored, in that order. */
export async function keepWorkRows(stores: Rows, written: readonly StoredRecord[], baseUrl: string): Promise<void> {
  const reviews = new Set<string>();
  const keys = new Set<string>();
  const fresh = new Map<string, KnownFact>();
  for (const { resourceType, id, version, resource } of written) {
    if (!tellingTypes.has(resourceType)) continue;
    const key = `${resourceType}/${id}`;
    const review = resource?.resourceType === 'Task' ? reviewIdOfTask(resource, baseUrl) : undefined;
    if (resourceType === 'Task' && resource && review === undefined) continue;
    if (review === undefined) keys.add(key);
    else reviews.add(review);
    const fact = resource && factOf(resource, baseUrl);
    if (fact) fresh.set(key, { key, version, fact });
    else fresh.delete(key);
  }
  if (reviews.size + keys.size > 0)
    await refreshRows(stores, { reviews: [...reviews], keys: [...keys] }, fresh, baseUrl);
}

/** Computes rows anew from the records, whatever the rows say. */
export async function remakeRows(stores: Rows, reviews: readonly string[], baseUrl: string): Promise<void> {
  const held = await stores.workRows.hold(reviews, []);
  await compute(stores, held.map(({ review }) => ({ review, known: [] })), new Map(), baseUrl); // prettier-ignore
}

async function refreshRows(
  stores: Rows,
  { reviews, keys }: { reviews: string[]; keys: string[] },
  fresh: ReadonlyMap<string, KnownFact>,
  baseUrl: string,
): Promise<void> {
  const held = await stores.workRows.hold(reviews, keys);
  for (let from = 0; from < held.length; from += atOnce)
    await compute(stores, held.slice(from, from + atOnce), fresh, baseUrl);
}

async function compute(
  { workRows }: Rows,
  held: readonly HeldRow[],
  fresh: ReadonlyMap<string, KnownFact>,
  baseUrl: string,
): Promise<void> {
  if (held.length === 0) return;
  const known = new Map(held.flatMap((row) => row.known.map((one) => [one.key, one])));
  for (const [key, one] of fresh) known.set(key, one);
  const tasks = await workRows.tasksOf(held.map(({ review }) => review), [...known.values()].filter(isTask)); // prettier-ignore
  for (const source of tasks) learn(known, source, baseUrl);
  const heads = new Map(held.map(({ review }) => [review, `Task/${review}`]));
  const present = new Set(tasks.map(({ key }) => key));
  const named = new Map<string, string[]>();
  for (const [review, head] of heads) named.set(review, present.has(head) ? namedBy(known.get(head)?.fact) : []);
  const others = await workRows.versionsOf([...new Set([...named.values()].flat())], [...known.values()]);
  for (const source of others) {
    learn(known, source, baseUrl);
    present.add(source.key);
  }
  const rows = held.map(({ review }) => {
    const keys = [...tasks.filter((task) => task.review === review).map(({ key }) => key), ...named.get(review)!];
    // In one order, so that what has not changed reads the same.
    const facts = [...new Set(keys)].sort().flatMap((key) => (present.has(key) ? (known.get(key) ?? []) : []));
    const row = rowOfFacts(review, facts);
    return { review, row, words: row ? wordsOf(row, otherwiseOf(facts)) : [], known: facts, ...reportStatusOf(facts) };
  });
  await workRows.keep(rows);
}

const isTask = ({ key }: KnownFact) => key.startsWith('Task/');

/** Takes the fact of another version in; what says nothing to a list is forgotten. */
function learn(known: Map<string, KnownFact>, { key, version, content }: SourceVersion, baseUrl: string): void {
  if (content === undefined) return;
  const fact = factOf(JSON.parse(content) as Resource, baseUrl);
  if (fact) known.set(key, { key, version, fact });
  else known.delete(key);
}

const otherwiseOf = (facts: readonly KnownFact[]) =>
  facts.flatMap(({ fact }) => (fact.of === 'patient' ? (fact.otherwise ?? []) : []));

function reportStatusOf(facts: readonly KnownFact[]): { reportStatus?: string } {
  const report = facts.find(({ fact }) => fact.of === 'report')?.fact;
  return report?.of === 'report' ? { reportStatus: report.status } : {};
}
