/** What is known of the patient and what the site's table says of the prescription, asked anew as it is typed. */
import { keepPreviousData, useQuery } from '@tanstack/vue-query';
import { refDebounced } from '@vueuse/core';
import { computed, type MaybeRefOrGetter, toValue } from 'vue';
import { useConnection } from '../../api/connection.ts';
import type { MedicationCode, Warning, WarningKind } from '../../api/medication/pharmacy.ts';

export interface Wanted {
  patient: string | undefined;
  review: string | undefined;
  medications: { name: string; codes: MedicationCode[] }[];
}

export type ShownWarning = Warning & { kind: WarningKind };

export function useMedicationCheck(wanted: MaybeRefOrGetter<Wanted>) {
  const { pharmacy } = useConnection();
  const now = computed(() => JSON.stringify(toValue(wanted)));
  const asked = refDebounced(now, 400);
  const query = useQuery({
    queryKey: ['medication-check', asked],
    queryFn: async ({ signal }) => {
      const text = asked.value;
      const { patient, review, medications } = JSON.parse(text) as Wanted;
      const found = await pharmacy.check({ patient: patient!, ...(review && { review }), medications }, signal);
      return { ...found, of: text };
    },
    enabled: () => toValue(wanted).patient !== undefined,
    placeholderData: keepPreviousData,
    // Health data, and true for this moment only.
    gcTime: 0,
    staleTime: 0,
    meta: { live: ['AllergyIntolerance', 'MedicationStatement', 'MedicationRequest'] },
  });
  /** The answer is about what stands there now. */
  const isCurrent = computed(() => query.data.value?.of === now.value && !query.isPlaceholderData.value);
  const warnings = computed<ShownWarning[]>(() => {
    const { allergies = [], interactions = [], duplicates = [] } = query.data.value ?? {};
    return [
      ...allergies.map((one) => ({ ...one, kind: 'allergy' as const })),
      ...interactions.map((one) => ({ ...one, kind: 'interaction' as const })),
      ...duplicates.map((one) => ({ ...one, kind: 'duplicate' as const })),
    ];
  });
  return { ...query, isCurrent, warnings };
}
