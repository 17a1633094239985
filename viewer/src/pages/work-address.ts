/**
 * Where somebody is in a list: tab, filters, sort and page stand in the address, so that Back, a reload and a bookmark find
 * them again. What was typed into the search is often a patient's name or number, which no address may hold (histories and
 * logs keep addresses): it rides in the history entry of the browser, beside the marks of the pages.
 */
import type { HistoryState, LocationQuery } from 'vue-router';

export interface WorkView {
  tab: string;
  status: string;
  modality: string;
  finding: string;
  priority: string;
  /** `YYYY-MM-DD`. */
  from: string;
  to: string;
  mine: boolean;
  /** A column, with `-` before it from high to low; empty: as the list is by itself. */
  sort: string;
  text: string;
}

/** In the address; `text` is not. */
const named = ['status', 'modality', 'finding', 'priority', 'from', 'to', 'sort'] as const;

export interface WorkAddress {
  view: WorkView;
  /** Marks of the pages after the first, up to the one that is open. */
  trail: string[];
}

/** What an entry of the browser's history keeps of a list. A type, not an interface: it is plain data. */
export type WorkEntry = { text: string; trail: string[] };

const one = (value: LocationQuery[string] | undefined): string => (typeof value === 'string' ? value : '');

/** @param tabs the ones that this page has, the first where none is named */
export function readAddress(query: LocationQuery, entry: unknown, tabs: readonly string[]): WorkAddress {
  const kept = isEntry(entry) ? entry : { text: '', trail: [] };
  const tab = one(query.tab);
  const values = Object.fromEntries(named.map((name) => [name, one(query[name])])) as Record<
    (typeof named)[number],
    string
  >;
  const page = Math.trunc(Number(one(query.page)) || 1);
  return {
    view: {
      tab: tabs.includes(tab) ? tab : (tabs[0] ?? ''),
      ...values,
      mine: one(query.mine) === '1',
      text: kept.text,
    },
    // An address without its history entry, as a bookmark is, begins at the first page.
    trail: kept.trail.length === page - 1 ? kept.trail : [],
  };
}

export function addressQuery({ view, trail }: WorkAddress, tabs: readonly string[]): Record<string, string> {
  return {
    ...(view.tab !== tabs[0] && { tab: view.tab }),
    ...Object.fromEntries(named.flatMap((name) => (view[name] === '' ? [] : [[name, view[name]]]))),
    ...(view.mine && { mine: '1' }),
    ...(trail.length > 0 && { page: String(trail.length + 1) }),
  };
}

export function entryOf({ view, trail }: WorkAddress): HistoryState {
  return { work: { text: view.text, trail: [...trail] } };
}

function isEntry(entry: unknown): entry is WorkEntry {
  const { text, trail } = (entry ?? {}) as Partial<WorkEntry>;
  return typeof text === 'string' && Array.isArray(trail) && trail.every((each) => typeof each === 'string');
}

/** Where "To my work list" leads: the list as it was left. */
export interface WorkPlace {
  path: string;
  state: HistoryState;
}

/** A saved view is kept with the account, so what was typed may be in it. */
export function savedQuery({ view }: WorkAddress, tabs: readonly string[]): string {
  const query = new URLSearchParams(addressQuery({ view, trail: [] }, tabs));
  if (view.text !== '') query.set('text', view.text);
  return query.toString();
}

export function viewOfSaved(saved: string, tabs: readonly string[]): WorkView {
  const query = Object.fromEntries(new URLSearchParams(saved));
  return readAddress(query, { text: query.text ?? '', trail: [] }, tabs).view;
}
