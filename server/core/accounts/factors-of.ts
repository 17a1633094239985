/** Second factors of a person, by kind. */
export type FactorKind = 'totp' | 'passkey' | 'mail';

export async function factorsOf(_stores: object, _accountId: string): Promise<FactorKind[]> {
  return [];
}

/** Takes all second factors of a person away. */
export async function removeFactors(_stores: object, _accountId: string): Promise<void> {}
