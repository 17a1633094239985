/** The acts on registered application entities; each in the caller's unit of work. */
import { z } from 'zod';
import { newId } from '../../identifier.ts';
import { Problem } from '../../problem.ts';
import type { Stores } from '../../world.ts';
import type { AePermission } from './ae-principal.ts';
import type { NewRemoteAe, RemoteAe } from './remote-ae-store.ts';

type Aes = Pick<Stores, 'remoteAes'>;

/** What somebody wants to register. */
export interface RemoteAeDraft {
  title: string;
  name: string;
  addresses: readonly string[];
  host?: string | undefined;
  port?: number | undefined;
  tls: boolean;
  /** SHA-256 of its certificate, with or without colons. */
  fingerprint?: string | undefined;
  may: readonly AePermission[];
  disabled: boolean;
}

const longestName = 100;
const mostAddresses = 20;
const range = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);
const hostName = z.union([z.ipv4(), z.ipv6(), z.hostname()]);

/** @throws Problem `value`, `required`, `invariant` with the field in `expression`; `duplicate` if the title is taken. */
export async function registerRemoteAe(
  { remoteAes }: Aes,
  draft: RemoteAeDraft,
  who: Pick<NewRemoteAe, 'registeredBy'>,
): Promise<RemoteAe> {
  const id = newId();
  await remoteAes.insert({ id, ...checked(draft), ...who });
  return (await remoteAes.byId(id))!;
}

/** @throws Problem as `registerRemoteAe`; `not-found`; `conflict` if somebody else changed it since `version`. */
export async function changeRemoteAe(
  { remoteAes }: Aes,
  id: string,
  draft: RemoteAeDraft,
  version?: number,
): Promise<RemoteAe> {
  const standing = await remoteAes.byId(id);
  if (!standing) throw notThere();
  const changed = await remoteAes.update({ id, ...checked(draft), version: version ?? standing.version });
  if (!changed)
    throw new Problem('conflict', 'Somebody else changed this AE title meanwhile. Look at it again, then repeat your change.'); // prettier-ignore
  return (await remoteAes.byId(id))!;
}

/** @throws Problem `not-found`. */
export async function removeRemoteAe({ remoteAes }: Aes, id: string): Promise<void> {
  if (!(await remoteAes.remove(id))) throw notThere();
}

export function notThere(): Problem {
  return new Problem('not-found', 'There is no such AE title; it may have been deleted.');
}

/** An AE title as PS3.5 6.2 has it: 1 to 16 characters, no backslash, no control character, not spaces only. */
export function isAeTitle(text: string): boolean {
  return /^(?! )[\x20-\x5b\x5d-\x7e]{1,16}(?<! )$/.test(text);
}

function checked(draft: RemoteAeDraft): Omit<NewRemoteAe, 'id' | 'registeredBy'> {
  const { tls, may, disabled, port } = draft;
  const refuse = (code: 'value' | 'invariant', field: string, why: string): never => {
    throw new Problem(code, `${field}: ${why}`, { expression: field });
  };
  const title = draft.title.trim();
  // The comma and the equals sign divide lists of senders in the settings.
  if (!isAeTitle(title) || /[,=]/.test(title))
    refuse('value', 'title', '1 to 16 letters, digits and signs of ASCII, without backslash, comma and equals sign.');
  const name = draft.name.trim();
  if (name === '' || name.length > longestName || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name))
    refuse('value', 'name', `1 to ${longestName} characters, none invisible.`);
  const addresses = [...new Set(draft.addresses.map((one) => one.trim()).filter((one) => one !== ''))];
  if (addresses.length > mostAddresses || addresses.some((one) => !range.safeParse(one).success))
    refuse('value', 'addresses', `up to ${mostAddresses} addresses or ranges, such as 10.1.2.3 or 10.1.2.0/24.`);
  const host = draft.host?.trim() || undefined;
  if (host !== undefined && !hostName.safeParse(host).success)
    refuse('value', 'host', 'a name or an address, without a port.');
  if ((host === undefined) !== (port === undefined))
    refuse('invariant', host === undefined ? 'host' : 'port', 'images are moved to a host and a port: name both, or none.'); // prettier-ignore
  const fingerprint = draft.fingerprint?.replaceAll(/[:\s]/g, '').toLowerCase() || undefined;
  if (fingerprint !== undefined && !/^[0-9a-f]{64}$/.test(fingerprint))
    refuse('value', 'fingerprint', 'the SHA-256 of the certificate: 64 hexadecimal digits, with or without colons.');
  return {
    title,
    name,
    addresses,
    tls,
    may: [...new Set(may)],
    disabled,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(fingerprint !== undefined && { fingerprint }),
  };
}
