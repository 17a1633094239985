/** What a patient reads of a scan: its name, how far it is, what happens next. No code, no number, no word of the trade. */
import { useI18n } from 'vue-i18n';
import { inOrder } from '../../api/formatting.ts';
import type { NamedStudy, PatientScan } from '../../api/patient.ts';

const kinds: ReadonlyMap<string, string> = new Map([
  ['CR', 'xray'], ['DX', 'xray'], ['RF', 'xray'], ['XA', 'xray'], ['CT', 'ct'], ['MR', 'mr'], ['US', 'us'], ['MG', 'mg'], ['NM', 'nm'], ['PT', 'nm'],
]); // prettier-ignore

/** SNOMED CT codes of ImagingStudy.series.bodySite. */
const parts: ReadonlyMap<string, string> = new Map([
  ['818981001', 'abdomen'], ['70258002', 'ankle'], ['12738006', 'brain'], ['76752008', 'breast'], ['51185008', 'chest'], ['122494005', 'neckSpine'],
  ['16953009', 'elbow'], ['56459004', 'foot'], ['85562004', 'hand'], ['69536005', 'head'], ['80891009', 'heart'], ['64033007', 'kidney'],
  ['72696002', 'knee'], ['10200004', 'liver'], ['122496007', 'lowerSpine'], ['39607008', 'lung'], ['45048000', 'neck'], ['16982005', 'shoulder'],
  ['89546000', 'skull'], ['122495006', 'upperSpine'],
]); // prettier-ignore

export function useScanWords() {
  const { t, te, locale } = useI18n();

  /** "12 March 2026": the day first, as in all three languages. */
  function day(value: string | undefined): string | undefined {
    const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(value ?? '');
    if (!match || value === undefined) return undefined;
    const whole = value.includes('T') ? new Date(value) : new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3])); // prettier-ignore
    return new Intl.DateTimeFormat(forDates(), { dateStyle: 'long' }).format(whole);
  }

  function moment(value: string): string {
    return new Intl.DateTimeFormat(forDates(), { dateStyle: 'long', timeStyle: 'short' }).format(new Date(value));
  }

  const forDates = () => (locale.value === 'en' ? 'en-GB' : locale.value);

  /** "Chest X-ray, 12 March 2026". */
  function studyName(study: NamedStudy | undefined): string {
    const kind = t(`myScans.kind.${kinds.get(study?.modality ?? '') ?? 'scan'}`);
    const part = parts.get(study?.bodyPart ?? '');
    const what = part === undefined ? kind : t('myScans.partAndKind', { part: t(`myScans.part.${part}`), kind });
    const on = day(study?.takenOn);
    const named = what.charAt(0).toLocaleUpperCase(locale.value) + what.slice(1);
    return on === undefined ? named : t('myScans.named', { what: named, day: on });
  }

  /** Of a withdrawn report only the day is told: what it was about may be another person's. */
  function nameOf(scan: PatientScan): string {
    return scan.state === 'withdrawn' && !scan.study
      ? t('myScans.reportOf', { day: day(scan.receivedAt) ?? '' })
      : studyName(scan.study);
  }

  /** Why a new image is needed: the doctor's own words, else what a reason of the list means. */
  function reasonOf({ reason }: PatientScan): string | undefined {
    if (reason?.text !== undefined) return inOrder(reason.text);
    return reason?.code !== undefined && te(`myScans.reason.${reason.code}`)
      ? t(`myScans.reason.${reason.code}`)
      : undefined;
  }

  return { day, moment, studyName, nameOf, reasonOf };
}
