import type { Stores } from '../../world.ts';

/** Second factors of a person, by kind. */
export type FactorKind = 'totp' | 'passkey' | 'mail';

export async function factorsOf(
  { factors }: { factors: Pick<Stores['factors'], 'of' | 'mail'> },
  accountId: string,
): Promise<FactorKind[]> {
  const [own, mail] = await Promise.all([factors.of(accountId), factors.mail(accountId)]);
  const kinds = new Set<FactorKind>(own.map(({ kind }) => kind));
  return [...kinds, ...(mail ? ['mail' as const] : [])];
}
