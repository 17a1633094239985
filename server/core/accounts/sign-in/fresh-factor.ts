import type { Principal } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import type { Settings } from '../../settings.ts';
import { mustHaveFactor } from '../factors/ways.ts';

/** Authentication context (`acr`) of a sign-in with two factors. */
export const twoFactors = 'urn:csss:acr:two-factors';
/** Seconds that the clocks of servers may differ. */
const tolerance = 5;

/**
 * Asks for a second factor that is not older than some minutes, before what matters most (RFC 9470). Who has none and
 * need not have one is not asked; services sign for themselves with their key each time.
 *
 * @throws Problem `reauthenticate`: the app sends the person through a sign-in with `acr_values` and `max_age`, in which a
 * live session is asked for the second factor only.
 */
export function mustBeFresh(
  principal: Principal,
  settings: Pick<Settings, 'secondFactorRoles' | 'freshFactorSeconds'>,
  now: Date,
): void {
  const { kind, role, hasFactor, secondFactorAt } = principal;
  if (kind !== 'user' || role === undefined || !(hasFactor || mustHaveFactor(settings, role))) return;
  const age = secondFactorAt === undefined ? Infinity : now.getTime() / 1000 - secondFactorAt;
  if (age <= settings.freshFactorSeconds + tolerance) return;
  throw new Problem(
    'reauthenticate',
    `This asks for your second factor again: it must not be older than ${Math.round(settings.freshFactorSeconds / 60)} minutes. Prove yourself and repeat.`,
    { maxAge: settings.freshFactorSeconds },
  );
}
