/** How fresh a sign-in an act needs (RFC 9470 section 3), as the authorization request states it. */
export interface FreshSignIn {
  acrValues?: string;
  /** Seconds. */
  maxAge?: number;
  /** Whoever is signed in at the server is asked all the same (`prompt=login`): it may be another person. */
  anew?: boolean;
}

/**
 * What a refusal asks for when the token is good and too old for this act (RFC 9470 section 3): the person signs in
 * once more, and the same request is sent again. undefined for every other answer.
 */
export function freshSignInOf(response: Response): FreshSignIn | undefined {
  const challenge = response.status === 401 ? (response.headers.get('www-authenticate') ?? '') : '';
  if (!/error="?insufficient_user_authentication/.test(challenge)) return undefined;
  const acrValues = /acr_values="([^"]*)"/.exec(challenge)?.[1];
  const maxAge = /max_age="?(\d+)/.exec(challenge)?.[1];
  return { ...(acrValues !== undefined && { acrValues }), ...(maxAge !== undefined && { maxAge: Number(maxAge) }) };
}
