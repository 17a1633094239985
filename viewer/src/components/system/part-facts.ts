/** What is measured of a part of the installation, as a sentence; numbers and times as people of the language write them. */
import { useI18n } from 'vue-i18n';
import { dateTimeText } from '../../api/formatting.ts';
import type { SystemPart } from '../../api/system.ts';

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
const inBytes = new Set(['bytes', 'free', 'total']);
const instants = new Set(['since', 'until', 'checked']);

export function bytesText(bytes: number, locale: string): string {
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1000))));
  const options = { style: 'unit', unit: units[step]!, maximumFractionDigits: step > 2 ? 1 : 0 } as const;
  return new Intl.NumberFormat(locale, options).format(bytes / 1000 ** step);
}

export function usePartFacts() {
  const { t, te, locale } = useI18n();

  function valueOf(name: string, value: number | string): string {
    if (instants.has(name)) return dateTimeText(String(value), locale.value) ?? String(value);
    if (typeof value === 'string') return value;
    return inBytes.has(name) ? bytesText(value, locale.value) : new Intl.NumberFormat(locale.value).format(value);
  }

  /** undefined where nothing is measured. */
  return ({ name, facts }: SystemPart): string | undefined => {
    const given = Object.entries(facts);
    const key = `system.facts.${name}`;
    if (given.length === 0 || !te(key)) return undefined;
    const missing = { checked: t('system.never') };
    return t(key, { ...missing, ...Object.fromEntries(given.map(([fact, value]) => [fact, valueOf(fact, value)])) });
  };
}
