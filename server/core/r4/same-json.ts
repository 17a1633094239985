import { own } from '../table.ts';

/**
 * Whether two values are the same JSON: order of properties does not count, and a property that is undefined is not
 * there. In one pass and without copies, because records can be long.
 */
export function sameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((value, index) => sameJson(value, (other as unknown[])[index]));
  }
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  let names = 0;
  for (const name of Object.keys(left)) {
    const value = own(left, name);
    if (value === undefined) continue;
    names++;
    if (!sameJson(value, own(right, name))) return false;
  }
  return names === Object.keys(right).filter((name) => own(right, name) !== undefined).length;
}
