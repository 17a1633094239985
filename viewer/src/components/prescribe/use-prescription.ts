/** A prescription as it is typed. It is the dialog's own copy: nothing that arrives meanwhile replaces a word of it. */
import { computed, ref, shallowRef } from 'vue';
import type { DoseLanguage } from '../../api/medication/dose-text.ts';
import type { Template } from '../../api/medication/pharmacy.ts';
import { emptyLine, faultsOf, lineOf, type PrescriptionLine } from '../../api/medication/prescription-line.ts';

export function usePrescription() {
  const withMedication = ref(true);
  const lines = ref<PrescriptionLine[]>([emptyLine(0)]);
  /** No key twice, also beside lines of a draft that came back. */
  const nextKey = () => Math.max(...lines.value.map(({ key }) => key), 0) + 1;
  const notes = ref('');
  const reasons = ref(new Map<string, string>());
  /** What a template filled in last: as long as nobody typed, another may take its place unasked. */
  const filled = shallowRef(stateOf());
  /** A template that waits for the answer whether it may replace what was typed. */
  const waiting = shallowRef<Template>();

  function stateOf(): string {
    return JSON.stringify([notes.value, lines.value.map(({ key: _key, ...line }) => line)]);
  }
  const touched = computed(() => stateOf() !== filled.value);

  function choose(template: Template, language: DoseLanguage): void {
    if (touched.value) waiting.value = template;
    else fill(template, language);
  }
  function fill(template: Template, language: DoseLanguage): void {
    waiting.value = undefined;
    withMedication.value = true;
    lines.value = [lineOf(nextKey(), template, language)];
    notes.value = template.notes[language];
    filled.value = stateOf();
  }
  /** Beside what was typed: one more medication, and its notes below. */
  function addTemplate(template: Template, language: DoseLanguage): void {
    waiting.value = undefined;
    withMedication.value = true;
    const typed = lines.value.filter((line) => stateless(line) !== stateless(emptyLine(line.key)));
    lines.value = [...typed, lineOf(nextKey(), template, language)];
    notes.value = [notes.value.trim(), template.notes[language]].filter((text) => text !== '').join('\n');
  }
  function add(): void {
    lines.value.push(emptyLine(nextKey()));
  }
  function remove(place: number): void {
    lines.value.splice(place, 1);
  }
  const faulty = computed(
    () => notes.value.trim() === '' || (withMedication.value && lines.value.some((line) => faultsOf(line).length > 0)),
  );
  return { withMedication, lines, notes, reasons, waiting, choose, fill, addTemplate, add, remove, faulty };
}

const stateless = (line: PrescriptionLine): string => JSON.stringify(line);
