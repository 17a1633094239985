import { z } from 'zod';
import { doseRoutes, doseTimes, doseUnits, periodUnits } from './dose-text.ts';

const positive = (most: number) => z.number().positive('must be more than 0').max(most, `may be ${most} at most`);
const whole = (most: number) => positive(most).int('must be a whole number');
const among = (codes: Iterable<string>, what: string) => {
  const known = new Set(codes);
  return z.string().refine((code) => known.has(code), `is no ${what} of the list: ${[...known].join(', ')}`);
};

/** The fields of a dose, as templates keep them and the page fills them in. `when`: FHIR event-timing. */
export const doseShape = z
  .strictObject({
    amount: positive(100_000),
    unit: among(doseUnits.keys(), 'unit').describe('UCUM'),
    frequency: whole(24),
    period: positive(365),
    periodUnit: z.enum(periodUnits),
    asNeeded: z.boolean().optional(),
    when: among(doseTimes.keys(), 'time').optional().describe('FHIR event-timing'),
    durationValue: whole(1000).optional(),
    durationUnit: z.enum(periodUnits).optional(),
    route: among(doseRoutes.keys(), 'route').optional().describe('SNOMED CT'),
  })
  .refine((dose) => (dose.durationValue === undefined) === (dose.durationUnit === undefined), {
    message: 'a duration has a number and a unit',
    path: ['durationValue'],
  });

export type Dose = z.infer<typeof doseShape>;
