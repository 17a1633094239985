import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server';
import type { PasskeyFactor } from '../core/accounts/factors/factor-store.ts';
import type { Passkeys } from '../core/accounts/factors/passkeys.ts';
import type { Settings } from '../core/settings.ts';

/** EdDSA, ES256, RS256 (COSE): what authenticators have; named, because the library tries out by itself what Node calls experimental. */
const supportedAlgorithmIDs = [-8, -7, -257];

/**
 * Passkeys by @simplewebauthn/server. They stand beside a password, so that the person is there is enough; who has a
 * fingerprint or PIN to show is asked for it (`preferred`).
 *
 * @param settings.publicUrl its host is the relying party, its origin the only one from which answers are taken.
 */
export function webAuthn(settings: Pick<Settings, 'publicUrl' | 'organizationName'>): Passkeys {
  const { hostname: rpID, origin } = new URL(settings.publicUrl);
  const named = (known: readonly PasskeyFactor[]) =>
    known.map(({ credential, transports }) => ({ id: credential, transports }));
  return {
    async askToMake(account, known) {
      const options = await generateRegistrationOptions({
        rpName: settings.organizationName,
        rpID,
        userID: new Uint8Array(Buffer.from(account.id)),
        userName: account.email,
        userDisplayName: account.displayName,
        supportedAlgorithmIDs,
        attestationType: 'none',
        excludeCredentials: named(known),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
      });
      return { options, challenge: options.challenge };
    },
    async made(response, expectedChallenge) {
      if (!isObject(response)) return undefined;
      const result = await verifyRegistrationResponse({
        response: response as unknown as RegistrationResponseJSON,
        expectedChallenge,
        supportedAlgorithmIDs,
        expectedOrigin: origin,
        expectedRPID: rpID,
        requireUserVerification: false,
      }).catch(() => undefined);
      if (!result?.verified) return undefined;
      const { id, publicKey, counter, transports } = result.registrationInfo.credential;
      return {
        credential: id,
        publicKey: Buffer.from(publicKey).toString('base64url'),
        counter,
        transports: (transports ?? []).filter((name) => /^[a-z-]{1,20}$/.test(name)).slice(0, 8),
      };
    },
    async askToProve(known) {
      const options = await generateAuthenticationOptions({
        rpID,
        allowCredentials: named(known),
        userVerification: 'preferred',
      });
      return { options, challenge: options.challenge };
    },
    async proved(response, expectedChallenge, known) {
      if (!isObject(response)) return undefined;
      const factor = known.find(({ credential }) => credential === response['id']);
      if (!factor) return undefined;
      const result = await verifyAuthenticationResponse({
        response: response as unknown as AuthenticationResponseJSON,
        expectedChallenge,
        expectedOrigin: origin,
        expectedRPID: rpID,
        requireUserVerification: false,
        credential: {
          id: factor.credential,
          publicKey: new Uint8Array(Buffer.from(factor.publicKey, 'base64url')),
          counter: factor.counter,
          transports: factor.transports,
        },
      }).catch(() => undefined);
      return result?.verified ? { factor, counter: result.authenticationInfo.newCounter } : undefined;
    },
  };
}

/** Everything in it is checked by the library, which throws at what it does not understand. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
