import type { Principal } from '../../core/principal.ts';
import type { ReadsFrom } from '../../core/world.ts';

/** Who registers something, as it is shown: it stays readable when the person has gone. */
export async function registrar(
  world: ReadsFrom<'accounts'>,
  { subject }: Principal,
): Promise<{ registeredBy?: string }> {
  const account = await world.read(({ accounts }) => accounts.byId(subject));
  return account ? { registeredBy: account.displayName } : {};
}
