import { emptyLine, medicationRequestOf } from '../../viewer/src/api/medication/prescription-line.ts';
import type { ImagingStudy, Observation, Resource, Task } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { conclusionsOf } from '../../server/core/vocabulary/conclusions.ts';
import type { FhirClient, PatchOperation } from '../../viewer/src/api/fhir.ts';
import {
  complete,
  prescription,
  refusal,
  skipping,
  startAnalysis,
  verification,
} from '../../viewer/src/api/review/acts.ts';
import { aiResultFrom, differsFromAi, isSuggestion, shownProbability } from '../../viewer/src/api/review/ai-result.ts';
import {
  findingLabels,
  findingSystem,
  reviewDataSystem,
  reviewStatusSystem,
  reviewStepSystem,
} from '../../viewer/src/api/review/codes.ts';
import { conclusionsFor } from '../../viewer/src/api/review/conclusions.ts';
import {
  aiFailure,
  aiIsRunning,
  notesOf,
  openStep,
  referencesOf,
  workItemFrom,
} from '../../viewer/src/api/review/work-item.ts';

const data = (code: string) => ({ coding: [{ system: reviewDataSystem, code }] });
const finding = (code: string) => ({ coding: [{ system: findingSystem, code }] });

function step(id: string, code: string, status: Task['status'], more: Partial<Task> = {}): Task {
  return {
    resourceType: 'Task', id, status, intent: 'order', code: { coding: [{ system: reviewStepSystem, code }] },
    partOf: [{ reference: 'Task/t0' }], for: { reference: 'Patient/p1' }, meta: { versionId: '3' }, ...more,
  }; // prettier-ignore
}

function observation(label: string, probabilities: Partial<Record<string, number>>): Observation {
  const components = Object.entries(probabilities).map(([code, value]) => ({
    code: finding(code),
    valueQuantity: { value: value! },
  }));
  return {
    resourceType: 'Observation',
    id: 'o1',
    status: 'preliminary',
    code: finding('ai-classification'),
    valueCodeableConcept: finding(label),
    component: components,
  };
}

describe('an AI result', () => {
  it('keeps the order of the model and knows the most probable class', () => {
    const result = aiResultFrom(observation('Uncertain', { Normal: 0.3, COVID: 0.6, Sick: 0.1, threshold: 0.75 }));
    expect(result?.probabilities.map(({ label }) => label)).toEqual(['COVID', 'Normal', 'Sick']);
    expect(result?.top).toEqual({ label: 'COVID', probability: 0.6 });
    expect(result?.threshold).toBe(0.75);
    expect(isSuggestion(result)).toBe(false);
    expect(differsFromAi(result, 'Normal')).toBe(false);
  });

  it('is none without a coded value of ours', () => {
    expect(aiResultFrom({ resourceType: 'Observation', status: 'final', code: {} })).toBeUndefined();
  });

  it('takes a missing probability for missing, not for zero', () => {
    const result = aiResultFrom(observation('Normal', { Normal: 0.9 }));
    expect(result?.probabilities).toHaveLength(1);
    expect(findingLabels).toHaveLength(6);
    expect(isSuggestion(result)).toBe(true);
  });

  it('is differed from by another code and by words, not by its own code', () => {
    const result = aiResultFrom(observation('Normal', { Normal: 0.9 }));
    expect([undefined, 'COVID', 'Normal'].map((code) => differsFromAi(result, code))).toEqual([true, true, false]);
  });

  it('shows no confidence for an image that the model is not for', () => {
    expect(shownProbability(aiResultFrom(observation('Unsupported', { Normal: 0.98 })))).toBeUndefined();
    expect(shownProbability(aiResultFrom(observation('Uncertain', { Normal: 0.6 })))).toBe(0.6);
  });
});

describe('the list of conclusions', () => {
  const study = (modality: string, part?: string): Pick<ImagingStudy, 'series'> => ({
    series: [{ uid: '1', modality: { code: modality }, ...(part && { bodySite: { display: part } }) }],
  });

  it.each([
    undefined,
    study('DX', 'Chest'),
    study('DX'),
    study('OT'),
    study('CT', 'T-spine'),
    study('MR', 'HEART'),
    study('US'),
  ])('is the one that the server checks (%#)', (each) => {
    const keys = (list: readonly { system?: string; code?: string }[]) => list.map((one) => `${one.system}|${one.code}`).sort(); // prettier-ignore
    expect(keys(conclusionsFor(each))).toEqual(keys(conclusionsOf(each)));
    expect(conclusionsFor(each).length).toBeGreaterThan(0);
  });
});

describe('a review as a page shows it', () => {
  const task: Task = {
    resourceType: 'Task', id: 't0', status: 'in-progress', intent: 'order', for: { reference: 'Patient/p1' }, focus: { reference: 'ServiceRequest/s1' },
    groupIdentifier: { value: 'A-1' }, businessStatus: { coding: [{ system: reviewStatusSystem, code: 'AI_ANALYZED' }] },
    input: [{ type: data('study'), valueReference: { reference: 'ImagingStudy/i1' } }],
    output: [{ type: data('ai-finding'), valueReference: { reference: 'Observation/o1' } }, { type: data('report'), valueReference: { reference: 'DiagnosticReport/d1' } }],
  }; // prettier-ignore
  const others: Resource[] = [
    observation('Normal', { Normal: 0.9 }),
    { resourceType: 'Patient', id: 'p1' },
    { resourceType: 'Patient', id: 'p2' },
    step('a', 'ai-inference', 'failed', { authoredOn: '2026-01-01T00:00:00Z', statusReason: { text: 'No pixels' } }),
    step('b', 'ai-inference', 'completed', { authoredOn: '2026-01-01T00:05:00Z' }),
    step('c', 'physician-verification', 'requested', { authoredOn: '2026-01-01T00:06:00Z' }),
    step('x', 'physician-verification', 'requested', { partOf: [{ reference: 'Task/other' }] }),
  ];

  it('joins what the coordination Task points to, and its own steps only', () => {
    const item = workItemFrom(task, others);
    expect([item.status, item.scanId, item.patient?.id, item.ai?.label, item.report]).toEqual([
      'AI_ANALYZED',
      'A-1',
      'p1',
      'Normal',
      undefined,
    ]);
    expect(item.steps.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(openStep(item, 'physician-verification')?.id).toBe('c');
    expect(openStep(item, 'ai-inference')).toBeUndefined();
  });

  it('asks for what is missing, by type', () => {
    expect([...referencesOf([task]).keys()]).toEqual(['ImagingStudy', 'Observation', 'DiagnosticReport']);
  });

  it('tells a running analysis and a failed one apart', () => {
    const pending = { ...task, businessStatus: { coding: [{ system: reviewStatusSystem, code: 'PENDING_AI' }] } };
    expect(aiFailure(workItemFrom(pending, others))).toBe('No pixels');
    expect(aiFailure(workItemFrom(task, others))).toBeUndefined();
    expect(aiIsRunning(workItemFrom(pending, [step('r', 'ai-inference', 'accepted')]))).toBe(true);
  });

  it('has no status where the code is not one of ours', () => {
    expect(
      workItemFrom({ ...task, businessStatus: { coding: [{ system: reviewStatusSystem, code: 'NEW' }] } }, []).status,
    ).toBeUndefined();
  });

  it('gives the notes of the completed step', () => {
    const done = step('v', 'physician-verification', 'completed', { note: [{ text: 'Line 1\nLine 2' }] });
    expect(notesOf(workItemFrom(task, [done]), 'physician-verification')).toBe('Line 1\nLine 2');
  });
});

describe('an act', () => {
  const fresh = step('v', 'physician-verification', 'in-progress');
  const bare = { notes: 'n', conclusion: undefined };
  const said = { notes: 'n', conclusion: { system: findingSystem, code: 'Normal' } };

  it('adds whole lists where there are none, and appends where there are', () => {
    const paths = (operations: PatchOperation[]) => operations.map(({ path }) => path);
    expect(paths(verification(fresh, said))).toEqual(['/note', '/output', '/status']);
    const held = { ...fresh, note: [{ text: 'earlier' }], output: [] };
    expect(paths(verification(held, said))).toEqual(['/note/-', '/output/-', '/status']);
    expect(paths(verification(fresh, bare))).toEqual(['/note', '/status']);
  });

  it('prescribes a contained proposal for the patient of the step, or none', () => {
    const operations = prescription(fresh, {
      notes: 'After food',
      medications: [
        medicationRequestOf(
          { ...emptyLine(0), name: 'Cetirizine 10 mg', mode: 'words', words: '1 in the evening' },
          { id: 'rx1', patient: 'Patient/p1', language: 'en', listed: null, issues: [] },
        ),
      ],
      issues: [],
    });
    expect(operations.find(({ path }) => path === '/contained')).toMatchObject({
      value: [
        {
          resourceType: 'MedicationRequest',
          intent: 'proposal',
          subject: { reference: 'Patient/p1' },
          dosageInstruction: [{ text: '1 in the evening' }],
        },
      ],
    });
    const none = prescription(fresh, { notes: 'Nothing needed', medications: [], issues: [] });
    expect(JSON.stringify(none)).toContain('none-needed');
    expect(JSON.stringify(none)).not.toContain('contained');
  });

  it('refuses as rejected before the claim and as failed after', () => {
    const reason = { text: 'Blurred', code: 'image-quality' };
    expect(refusal({ ...fresh, status: 'requested' }, reason)[0]).toMatchObject({ value: 'rejected' });
    expect(refusal(fresh, reason)[0]).toMatchObject({ value: 'failed' });
    expect(skipping({ text: 'Lateral view' })[0]).toMatchObject({ value: 'cancelled' });
    expect(startAnalysis).toEqual([{ op: 'replace', path: '/status', value: 'accepted' }]);
  });

  it('claims first, and completes the version that the claim made', async () => {
    const sent: [string | undefined, number][] = [];
    const fhir = {
      patch: async (task: Task, operations: PatchOperation[]) => {
        sent.push([task.meta?.versionId, operations.length]);
        return { ...task, status: 'in-progress', meta: { versionId: String(Number(task.meta?.versionId) + 1) } };
      },
    } as unknown as FhirClient;
    await complete(fhir, { ...fresh, status: 'requested' }, (mine) => verification(mine, bare));
    expect(sent).toEqual([['3', 1], ['4', 2]]); // prettier-ignore
    sent.length = 0;
    await complete(fhir, fresh, (mine) => verification(mine, bare));
    expect(sent).toEqual([['3', 2]]);
  });

  it('goes on from its own claim when completing was refused, whatever the dialog was opened with', async () => {
    const sent: [string | undefined, number][] = [];
    const fhir = {
      patch: async (task: Task, operations: PatchOperation[]) => {
        sent.push([task.meta?.versionId, operations.length]);
        if (sent.length === 2) throw new Error('refused');
        return { ...task, status: 'in-progress', meta: { versionId: String(Number(task.meta?.versionId) + 1) } };
      },
    } as unknown as FhirClient;
    const step = { ...fresh, id: 'refused-once', status: 'requested' } as Task;
    const again = () => complete(fhir, step, (mine) => verification(mine, bare));
    await expect(again()).rejects.toThrow('refused');
    await again();
    expect(sent).toEqual([['3', 1], ['4', 2], ['4', 2]]); // prettier-ignore
  });
});
