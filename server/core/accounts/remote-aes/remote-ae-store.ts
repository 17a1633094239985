import type { AePermission } from './ae-principal.ts';

/** Another system that speaks DIMSE, by its AE title (PS3.8 7.1.1): registered before it is talked to. */
export interface RemoteAe {
  id: string;
  title: string;
  /** For people. */
  name: string;
  /** Addresses and CIDR ranges that it calls from; without one it may not call. */
  addresses: readonly string[];
  /** Where it listens, for images that are moved to it. */
  host?: string;
  port?: number;
  /** It is called by TLS. */
  tls: boolean;
  /** SHA-256 of the certificate that it must show, lower-case hex: it may then not call without TLS. */
  fingerprint?: string;
  may: readonly AePermission[];
  disabled: boolean;
  /** Counts its changes: whoever changes it says which version was seen. */
  version: number;
  createdAt: Date;
  /** Who registered it, as it is shown. */
  registeredBy?: string;
  /** When it last opened an association, to the minute. */
  lastContactAt?: Date;
}

export type NewRemoteAe = Omit<RemoteAe, 'version' | 'createdAt' | 'lastContactAt'>;

export interface RemoteAeStore {
  byId(id: string): Promise<RemoteAe | undefined>;
  byTitle(title: string): Promise<RemoteAe | undefined>;
  /** All of them, by title. */
  all(): Promise<RemoteAe[]>;
  /** @throws Problem `duplicate` if the title is taken. */
  insert(ae: NewRemoteAe): Promise<void>;
  /**
   * @returns false if it has another version, or is gone. @throws Problem `duplicate` if the title is taken.
   */
  update(ae: Omit<NewRemoteAe, 'registeredBy'> & { version: number }): Promise<boolean>;
  /** @returns false if it is gone. */
  remove(id: string): Promise<boolean>;
  noteContact(id: string): Promise<void>;
}
