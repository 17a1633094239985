import type { Problem } from '../../core/problem.ts';
import { twoFactors } from '../../core/accounts/sign-in/fresh-factor.ts';

/** The challenge of a 401 that a fresh second factor answers (RFC 9470 3). */
export function stepUpChallenge({ message, maxAge }: Problem): string {
  return [
    'Bearer error="insufficient_user_authentication"',
    `error_description="${message.replace(/["\\]/g, '')}"`,
    `acr_values="${twoFactors}"`,
    ...(maxAge === undefined ? [] : [`max_age=${maxAge}`]),
  ].join(', ');
}
