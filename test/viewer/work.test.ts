import type { Task } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { confidenceLevel, shownConfidence } from '../../viewer/src/api/review/confidence.ts';
import { claimable, offeredActs, stateOfRow } from '../../viewer/src/api/review/offered-acts.ts';
import { foundStudy, studyQuery } from '../../viewer/src/api/studies.ts';
import type { WorkRow } from '../../viewer/src/api/work.ts';
import { newsOf } from '../../viewer/src/components/dialogs/step-news.ts';
import { directionOf, nextSort } from '../../viewer/src/components/work/work-columns.ts';
import { addressQuery, entryOf, readAddress, savedQuery, viewOfSaved } from '../../viewer/src/pages/work-address.ts';

const row = (more: Partial<WorkRow>): WorkRow => ({
  review: 't0',
  version: 1,
  status: 'PENDING_AI',
  priority: 'routine',
  reasons: [],
  scan: 'ACC-1',
  patient: { id: 'p1', name: 'Arjun Rao' },
  study: { id: 's1', uid: '1.2.3', images: 1 },
  uploadedAt: '2026-11-27T08:00:00Z',
  ai: 'none',
  ...more,
});
const step = (kind: NonNullable<WorkRow['step']>['kind'], status = 'requested') => ({
  step: { id: 's', kind, status, mine: false },
});

describe('confidence', () => {
  it.each([
    [0.7499, 'medium'],
    [0.75, 'high'],
    [0.4999, 'low'],
    [0.5, 'medium'],
  ] as const)('%f is %s, by one rule', (probability, level) => {
    expect(confidenceLevel(probability)).toBe(level);
    expect(shownConfidence(probability, 'finding')?.level).toBe(level);
  });
  it('is never high for an answer below the threshold, and none where there is no answer', () => {
    expect(shownConfidence(0.982, 'uncertain')?.level).toBe('uncertain');
    expect(shownConfidence(0.982, 'unsupported')).toBeUndefined();
    expect(shownConfidence(0.982, 'not-served')).toBeUndefined();
    expect(shownConfidence(undefined, 'finding')).toBeUndefined();
  });
});

describe('the acts of a row', () => {
  const main = (role: 'doctor' | 'pharmacist' | 'admin', of: WorkRow) => offeredActs(role, stateOfRow(of)).main;
  it('are those that the role owes', () => {
    expect(main('doctor', row({ ai: 'waiting' }))).toEqual(['analyze']);
    expect(main('doctor', row({ ai: 'running' }))).toEqual([]);
    expect(main('doctor', row({ status: 'AI_ANALYZED', ai: 'done', ...step('physician-verification') }))).toEqual(['verify']); // prettier-ignore
    expect(main('doctor', row({ status: 'REPORT_READY', ...step('report-amendment') }))).toEqual(['write-amendment']);
    expect(main('pharmacist', row({ status: 'DOCTOR_VERIFIED', ...step('pharmacist-review') }))).toEqual(['prescribe']);
    expect(main('admin', row({ status: 'PHARMACIST_COMPLETED', ...step('release-approval') }))).toEqual(['approve']);
    expect(main('pharmacist', row({ status: 'PHARMACIST_COMPLETED', ...step('release-approval') }))).toEqual([]);
  });
  it('offer the analysis of late images beside the reading', () => {
    expect(main('doctor', row({ status: 'RETURNED', ai: 'waiting', ...step('physician-verification') }))).toEqual(['analyze', 'verify']); // prettier-ignore
  });
  it('are none while the report is being made', () => {
    const making = row({ status: 'PHARMACIST_COMPLETED', ...step('report-delivery') });
    expect(offeredActs('admin', stateOfRow(making))).toMatchObject({ main: [], making: true });
    const mailing = row({ status: 'REPORT_READY', ...step('report-delivery', 'in-progress') });
    expect(offeredActs('admin', stateOfRow(mailing)).making).toBe(false);
  });
  it('of a row whose step is another role’s follow from its status', () => {
    expect(offeredActs('doctor', stateOfRow(row({ status: 'DOCTOR_VERIFIED' }))).rarer).toContain('amend');
    expect(offeredActs('admin', stateOfRow(row({ status: 'PHARMACIST_COMPLETED' }))).making).toBe(true);
    const released = (more: Partial<WorkRow>) => offeredActs('admin', stateOfRow(row({ status: 'REPORT_READY', ...more }))).rarer; // prettier-ignore
    expect([released({}).includes('addendum'), released({ reasons: ['amendment'] }).includes('addendum')]).toEqual([true, false]); // prettier-ignore
  });
  it('let a step be claimed once, by its own role', () => {
    const waiting = row({ ...step('physician-verification') });
    expect([claimable('doctor', waiting), claimable('admin', waiting)]).toEqual([true, false]);
    expect(claimable('doctor', row({ ...step('physician-verification', 'in-progress') }))).toBe(false);
    expect(claimable('doctor', row({}))).toBe(false);
  });
});

describe('the address of a list', () => {
  const tabs = ['pending', 'toRead'];
  const view = { tab: 'toRead', status: '', modality: 'DX', finding: '', priority: 'stat', from: '2026-11-01', to: '', mine: true, sort: '-patient', text: 'arjun rao' }; // prettier-ignore
  it('is read as it was written, and holds nothing that was typed', () => {
    const address = { view, trail: ['mark of page 2', 'mark of page 3'] };
    const query = addressQuery(address, tabs);
    expect(JSON.stringify(query)).not.toMatch(/arjun|mark/);
    expect(query).toEqual({ tab: 'toRead', modality: 'DX', priority: 'stat', from: '2026-11-01', mine: '1', sort: '-patient', page: '3' }); // prettier-ignore
    expect(readAddress(query, entryOf(address).work, tabs)).toEqual(address);
  });
  it('without its history entry begins at the first page, and an unknown tab is the first one', () => {
    expect(readAddress({ tab: 'none', page: '3' }, undefined, tabs)).toMatchObject({ view: { tab: 'pending', text: '' }, trail: [] }); // prettier-ignore
    expect(readAddress({ page: 'x' }, { text: 3, trail: 'no' }, tabs).trail).toEqual([]);
  });
  it('is saved with what was typed', () => {
    expect(viewOfSaved(savedQuery({ view, trail: ['x'] }, tabs), tabs)).toEqual(view);
  });
});

describe('the head of a column', () => {
  it('sorts up, down, and as the list is by itself', () => {
    expect([nextSort('prediction', ''), nextSort('prediction', 'finding'), nextSort('prediction', '-finding')]).toEqual(['finding', '-finding', '']); // prettier-ignore
    expect(nextSort('patient', '-finding')).toBe('patient');
    expect([directionOf('scan', '-scan'), directionOf('notes', '')]).toEqual(['descending', 'none']);
  });
});

describe('what became of a step while its dialog was open', () => {
  const task = (version: string, status: Task['status'], owner?: string): Task => ({
    resourceType: 'Task',
    id: 's',
    status,
    intent: 'order',
    meta: { versionId: version },
    ...(owner !== undefined && { owner: { reference: `Practitioner/${owner}`, display: `Dr. ${owner}` } }),
  });
  const seen = task('1', 'requested');
  const news = (now: Task) => newsOf(seen, now, 'Practitioner/me');
  it('is told where somebody else has begun or ended it', () => {
    expect(news(task('2', 'completed', 'you'))).toMatchObject({ what: 'ended', by: 'Dr. you', status: 'completed', mine: false }); // prettier-ignore
    expect(news(task('2', 'in-progress', 'you'))).toMatchObject({ what: 'claimed', by: 'Dr. you' });
    expect(news(task('2', 'cancelled'))).toMatchObject({ what: 'ended', by: undefined });
  });
  it('is no news while nothing changed, or where the person has claimed it', () => {
    expect(news(seen)).toBeUndefined();
    expect(news(task('2', 'in-progress', 'me'))).toBeUndefined();
    expect(news(task('3', 'completed', 'me'))).toMatchObject({ what: 'ended', mine: true });
  });
});

describe('a search of studies', () => {
  const search = { PatientName: '', PatientID: '', AccessionNumber: '', StudyDescription: '', ModalitiesInStudy: '', from: '', to: '' }; // prettier-ignore
  const page = { sort: '', limit: 25, offset: 0 };
  it('is written as QIDO-RS wants it', () => {
    const query = studyQuery({ ...search, PatientName: ' dan,  okaf ', StudyDescription: 'head', from: '2026-11-01' }, { ...page, sort: '-PatientName', offset: 50 }); // prettier-ignore
    expect(Object.fromEntries(query)).toMatchObject({ PatientName: 'dan okaf', fuzzymatching: 'true', StudyDescription: '*head*', StudyDate: '20261101-', orderby: '-PatientName', offset: '50' }); // prettier-ignore
    expect(studyQuery(search, page).has('StudyDate')).toBe(false);
    expect(studyQuery({ ...search, StudyDescription: 'CT?' }, page).get('StudyDescription')).toBe('CT?');
  });
  it('reads matches that say little', () => {
    expect(foundStudy({ '0020000D': { vr: 'UI', Value: ['1.2'] } })).toEqual({ uid: '1.2', date: undefined, patient: undefined, patientId: undefined, accession: undefined, description: undefined, modalities: [], series: 0, images: 0 }); // prettier-ignore
    expect(foundStudy({ '00080020': { vr: 'DA', Value: ['20261127'] } }).date).toBe('2026-11-27');
  });
});
