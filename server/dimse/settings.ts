import type { SecureContextOptions } from 'node:tls';
import type { PrivateClasses } from './sop-classes.ts';

/** How this process speaks DIMSE. */
export interface DimseSettings {
  host: string;
  /** Without TLS; undefined: not at all. */
  port: number | undefined;
  /** With TLS. */
  tlsPort: number | undefined;
  tls: Pick<SecureContextOptions, 'key' | 'cert' | 'ca'> | undefined;
  /** Our own title: what callers must call us. */
  title: string;
  /** Associations at a time. */
  mostAssociations: number;
  /** How long a caller may be silent between two messages. */
  idleMs: number;
  /** How long a connection may take to ask for an association (ARTIM, PS3.8 9.1.5), and a PDU to be whole. */
  patienceMs: number;
  privateClasses: PrivateClasses;
  /** Bytes of one instance. */
  instanceLimit: number;
}
