/** Midnight of this day in the user's own time zone, as a FHIR instant. */
export function startOfToday(now: Date = new Date()): string {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).toISOString();
}
