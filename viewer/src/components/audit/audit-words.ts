/** Rows of the audit trail in plain words: who, what, about what. Codes that are not known here are shown as they are. */
import { useI18n } from 'vue-i18n';
import type { AuditRow } from '../../api/audit.ts';

/** What the filter offers: all events whose name begins so. */
export const eventGroups = [
  'fhir',
  'dicomweb',
  'dimse',
  'access',
  'smart',
  'account',
  'portal',
  'work',
  'client',
  'mail',
  'settings',
  'audit',
] as const;

export function useAuditWords() {
  const { t, te } = useI18n();

  const known = (key: string, otherwise: string) => (te(key) ? t(key) : otherwise);

  /** `fhir:read` is `audit.event.fhir-read`; else the group and the bare word. */
  function eventWords(event: string): string {
    const [group = '', word = ''] = event.split(':');
    const general = known(`audit.group.${group}`, group);
    return known(
      `audit.event.${event.replace(':', '-')}`,
      word === '' ? general : `${general}: ${word.replaceAll('-', ' ')}`,
    );
  }

  function who({ who: { kind, subject, name, role, client } }: AuditRow): string {
    if (client === 'share-link') return t('audit.shareLink');
    if (kind === 'client') return name ?? client ?? subject ?? t('audit.someone');
    const person = name ?? (kind === 'user' ? (subject ?? t('audit.someone')) : undefined);
    if (person !== undefined) return role ? `${person} (${known(`role.${role}`, role)})` : person;
    if (kind === 'worker' || kind === 'system') return t('audit.thisServer');
    return client ?? subject ?? t('audit.someone');
  }

  /** Kinds of records and images, each once, in the order in which they stand. */
  function about({ entities }: AuditRow): string {
    const kinds = entities.map((entity) => {
      const type = /^studies\b/.test(entity) ? 'ImagingStudy' : (/^([A-Z][A-Za-z]+)(?:[/?]|$)/.exec(entity)?.[1] ?? '');
      return type === '' ? '' : known(`audit.entity.${type}`, type);
    });
    return [...new Set(kinds)].filter((kind) => kind !== '').join(', ');
  }

  return { who, what: (row: AuditRow) => eventWords(row.event), eventWords, about };
}
