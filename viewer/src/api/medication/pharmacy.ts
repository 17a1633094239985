/** What the site keeps for its pharmacists, and what is known of a patient beside a prescription (`/portal`). */
import { jsonOf, type AuthorizedFetch } from '../http.ts';
import { jsonCalls, part } from '../json-calls.ts';
import type { DoseLanguage, PeriodUnit } from './dose-text.ts';

export interface MedicationCode {
  system: string;
  code: string;
}

export interface Dose {
  amount: number;
  /** UCUM. */
  unit: string;
  frequency: number;
  period: number;
  periodUnit: PeriodUnit;
  asNeeded?: boolean;
  when?: string;
  durationValue?: number;
  durationUnit?: PeriodUnit;
  /** SNOMED CT. */
  route?: string;
}

export type Texts = Record<DoseLanguage, string>;

export interface TemplateContent {
  label: Texts;
  medication: Texts;
  codes: MedicationCode[];
  dose?: Dose;
  /** The dose in words, where the fields cannot say it. */
  words?: Texts;
  notes: Texts;
}

interface Facts {
  id: string;
  version: number;
  changedAt: string;
  /** Absent: it came with the release. */
  changedBy?: string;
}

export type Template = TemplateContent & Facts;

export const severities = ['high', 'moderate', 'low'] as const;
export type Severity = (typeof severities)[number];
export const rowKinds = ['medication', 'group', 'interaction', 'allergy'] as const;
export type RowKind = (typeof rowKinds)[number];

interface Listed {
  name: string;
  names: string[];
}
interface Pair {
  one: string;
  other: string;
  severity: Severity;
  text: string;
}
export type RowContent =
  | ({ kind: 'medication'; codes: MedicationCode[]; groups: string[] } & Listed)
  | ({ kind: 'group'; oneAtATime: boolean; crossAllergy: boolean } & Listed)
  | ({ kind: 'interaction' } & Pair)
  | ({ kind: 'allergy' } & Pair);
export type TableRow = RowContent & Facts;

export interface EntryVersion {
  version: number;
  at: string;
  by?: string;
  /** Absent: it was removed. */
  content?: { kind: string } & Partial<TemplateContent & Listed & Pair>;
}

export interface KnownAllergy {
  reference: string;
  text: string;
  kind: 'allergy' | 'none';
  state: 'active' | 'inactive' | 'resolved';
  certainty?: string;
  criticality?: string;
  reactions: string[];
  recordedOn?: string;
}

export interface KnownMedication {
  reference: string;
  text: string;
  state: 'current' | 'proposed' | 'ended';
  status: string;
  dosage?: string;
  since?: string;
}

export type WarningKind = 'allergy' | 'interaction' | 'duplicate';

export interface Warning {
  id: string;
  severity: Severity;
  /** Place in the prescription. */
  medication: number;
  with: { text: string; reference?: string; medication?: number };
  text: string;
}

export interface MedicationCheck {
  /** In which the record is written. */
  language: DoseLanguage;
  known: { complete: boolean; allergies: KnownAllergy[]; medications: KnownMedication[] };
  duplicates: Warning[];
  interactions: Warning[];
  allergies: Warning[];
  unlisted: number[];
  listed: ({ name: string; codes: MedicationCode[] } | null)[];
}

export interface TableChange {
  added: number;
  changed: number;
  removed: number;
  unchanged: number;
}

export interface PharmacyClient {
  templates(signal?: AbortSignal): Promise<{ language: DoseLanguage; templates: Template[] }>;
  saveTemplate(content: TemplateContent, standing?: { id: string; version: number }): Promise<Template>;
  removeTemplate(standing: { id: string; version: number }): Promise<void>;
  history(id: string, signal?: AbortSignal): Promise<EntryVersion[]>;
  check(
    asked: { patient: string; review?: string; medications: { name: string; codes: MedicationCode[] }[] },
    signal?: AbortSignal,
  ): Promise<MedicationCheck>;
  names(signal?: AbortSignal): Promise<{ name: string; names: string[] }[]>;
  table(signal?: AbortSignal): Promise<TableRow[]>;
  saveRow(row: RowContent, standing?: { id: string; version: number }): Promise<TableRow>;
  removeRow(standing: { id: string; version: number }): Promise<void>;
  tableFile(): Promise<Blob>;
  takeTable(csv: string, how: { replace: boolean; check: boolean }): Promise<TableChange>;
}

export function pharmacyClient(fetch: AuthorizedFetch, base: string): PharmacyClient {
  const { get, send } = jsonCalls(fetch, base);
  const at = (path: string, standing?: { id: string }) => (standing ? `${path}/${part(standing.id)}` : path);
  const method = (standing?: object) => (standing ? 'PUT' : 'POST');
  const templates = '/prescription-templates';
  const table = '/medication-table';
  return {
    templates: (signal) => get(templates, {}, signal),
    saveTemplate: (content, standing) =>
      send(method(standing), at(templates, standing), { ...content, ...(standing && { version: standing.version }) }),
    removeTemplate: (standing) => send('DELETE', `${at(templates, standing)}?version=${standing.version}`),
    history: async (id, signal) =>
      (await get<{ versions: EntryVersion[] }>(`/medication-entries/${part(id)}/history`, {}, signal)).versions,
    async check(asked, signal) {
      const response = await fetch(`${base}/medication-check`, {
        method: 'POST',
        headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
        body: JSON.stringify(asked),
        signal,
      });
      return jsonOf<MedicationCheck>(response);
    },
    names: async (signal) =>
      (await get<{ medications: { name: string; names: string[] }[] }>('/medications', {}, signal)).medications,
    table: async (signal) => (await get<{ rows: TableRow[] }>(table, {}, signal)).rows,
    saveRow: (row, standing) =>
      send(method(standing), at(table, standing), { row, ...(standing && { version: standing.version }) }),
    removeRow: (standing) => send('DELETE', `${at(table, standing)}?version=${standing.version}`),
    tableFile: async () => (await fetch(`${base}${table}/csv`, { headers: { Accept: 'text/csv' } })).blob(),
    takeTable: (csv, how) => send('POST', `${table}/csv`, { csv, ...how }),
  };
}
