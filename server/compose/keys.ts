import type { Middleware } from 'koa';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { Signer } from '../core/signer.ts';
import type { State } from '../http/state.ts';
import { jwsSigner, makeSigningKey, publicSigningKeys, type SigningKey } from '../infrastructure/jws-signer.ts';
import { smartKeys, type SmartKeys } from '../smart/keys.ts';
import type { SmartFace } from '../smart/face.ts';
import type { Start } from './start.ts';

type Secrets = Pick<AuthorizationStore, 'secret' | 'changeSecret'>;

/** How soon a process knows of keys that another one made; new ones are announced a day before they are used. */
const everyMs = 10_000;
const recordKeys = 'record-signing-keys';

/** The house's signature over records, with what others need to check it. */
export interface RecordSigner extends Signer {
  publicKeys(): { keys: object[] };
}

/** Signs with the newest key of the database, and knows those that other processes have made since the start. */
export async function openSigner(start: Pick<Start, 'log' | 'closing'>, secrets: Secrets): Promise<RecordSigner> {
  const load = () => secrets.secret<SigningKey[]>(recordKeys, async () => [await makeSigningKey()]);
  let keys = await load();
  let signer = jwsSigner(keys);
  let lastLoad = performance.now();
  const renew = async () => {
    const found = await load();
    lastLoad = performance.now();
    if (found.length === keys.length) return;
    keys = found;
    signer = jwsSigner(keys);
  };
  regularly(start, 'record-signing keys', renew);
  return {
    sign: (statement) => signer.sign(statement),
    async opened(jws) {
      const statement = await signer.opened(jws);
      if (statement !== undefined || performance.now() - lastLoad < 1_000) return statement;
      await renew(); // signed a moment ago by a process that knew of a new key first
      return signer.opened(jws);
    },
    publicKeys: () => publicSigningKeys(keys),
  };
}

/** Records are signed with another key from now on; what was signed with earlier ones can be checked for ever. */
export async function rotateRecordKey(secrets: Secrets): Promise<void> {
  await secrets.secret<SigningKey[]>(recordKeys, async () => [await makeSigningKey()]);
  await secrets.changeSecret<SigningKey[]>(recordKeys, async (keys) => [await makeSigningKey(), ...keys]);
}

/** The SMART face over the keys as they are at this moment. */
export interface RenewedSmart {
  face(): SmartFace;
  routes: Middleware<State>;
  oidc: Middleware<State>;
  /** Follows the keys: to be handed to Koa as it is. */
  cookieKeys: string[];
}

/**
 * Builds the SMART face anew when its keys change: the authorization server takes keys only when it is made, and keeps
 * everything else in the database, so that another one goes on where the last was.
 */
export async function renewedSmart(
  start: Pick<Start, 'log' | 'closing'>,
  secrets: Secrets,
  now: () => Date,
  build: (keys: SmartKeys) => SmartFace,
): Promise<RenewedSmart> {
  const cookieKeys: string[] = [];
  const made = (keys: SmartKeys) => {
    cookieKeys.splice(0, cookieKeys.length, ...keys.cookies);
    const face = build(keys);
    return { face, routes: face.routes().routes() as Middleware<State>, names: namesOf(keys) };
  };
  let current = made(await smartKeys(secrets, now()));
  regularly(start, 'signing keys', async () => {
    const keys = await smartKeys(secrets, now());
    if (namesOf(keys) !== current.names) current = made(keys);
  });
  return {
    face: () => current.face,
    routes: (ctx, next) => current.routes(ctx, next) as Promise<unknown>,
    oidc: (ctx, next) => current.face.oidc(ctx, next) as Promise<unknown>,
    cookieKeys,
  };
}

function namesOf({ signing, cookies, proofs }: SmartKeys): string {
  return JSON.stringify([signing.map(({ kid }) => kid), cookies, proofs]);
}

function regularly({ log, closing }: Pick<Start, 'log' | 'closing'>, kind: string, work: () => Promise<void>): void {
  let underWay: Promise<void> | undefined;
  const timer = setInterval(() => {
    underWay ??= work()
      .catch((err: unknown) => log.warn({ err, kind }, 'keys could not be read'))
      .finally(() => (underWay = undefined));
  }, everyMs).unref();
  closing.push(async () => {
    clearInterval(timer);
    await underWay;
  });
}
