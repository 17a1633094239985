import type { DicomJson, PersonName } from '../dicom/json.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { Facts } from './report-content.ts';
import { own } from '../table.ts';

/** What the image itself says about how it was made: from DICOM only, nothing assumed. */
export function scanFacts({ attributes, StudyInstanceUID }: InstanceRow, timeZone: string): Facts {
  const text = (tag: string) => textOf(attributes, tag);
  return [
    ['Study', text('00081030')],
    ['Modality', text('00080060')],
    ['Body part', text('00180015')],
    ['View', text('00185101')],
    ['Date', dateOf(text('00080020'))],
    ['Time', timeOf(text('00080030'), textOf(attributes, '00080201') ?? timeZone)],
    ['Machine', [text('00080070'), text('00081090')].filter(Boolean).join(' ') || undefined],
    ['Station', text('00081010')],
    ['Technician', text('00081070')],
    ['Contrast', text('00180010')],
    ['Study UID', StudyInstanceUID],
  ];
}

function textOf(attributes: DicomJson, tag: string): string | undefined {
  const value = own(attributes, tag)?.Value?.[0];
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
  const name = (value as PersonName | undefined | null)?.Alphabetic;
  return typeof name === 'string' ? name.replaceAll('^', ' ').trim() || undefined : undefined;
}

/** DA (PS3.5 6.2): 20261124 -> 2026-11-24. */
function dateOf(value: string | undefined): string | undefined {
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(value ?? '');
  return match ? `${match[1]}-${match[2]}-${match[3]}` : undefined;
}

/** TM with its offset (0008,0201) if the image gives one, else in the zone of the site. */
function timeOf(value: string | undefined, zone: string): string | undefined {
  const match = /^(\d{2})(\d{2})/.exec((value ?? '').replaceAll(':', ''));
  return match ? `${match[1]}:${match[2]} (${zone})` : undefined;
}
