/** The settings of DIMSE: a part of the environment (`config.ts`). */
import { z } from 'zod';
import { isAeTitle } from '../core/accounts/remote-aes/change-remote-ae.ts';
import { isUid } from '../core/dicom/uid.ts';

const wholeNumber = (low: number, high: number) =>
  z.coerce.number({ error: 'must be a whole number' }).int().min(low).max(high);

/** A port, or `none`. */
const portOrNone = z.union([z.literal('none'), wholeNumber(0, 65535)]);

/** `all`, or UIDs of private storage classes. */
const privateClasses = z.string().transform((text, context): 'all' | ReadonlySet<string> => {
  const uids = text.split(',').map((uid) => uid.trim()).filter((uid) => uid !== '');
  if (uids.length === 1 && uids[0] === 'all') return 'all';
  if (uids.every(isUid)) return new Set(uids);
  context.addIssue({ code: 'custom', message: 'must be all, or UIDs of SOP classes, separated by commas' });
  return z.NEVER;
}); // prettier-ignore

export const dimseVariables = {
  DIMSE_HOST: z.string().optional(),
  DIMSE_PORT: portOrNone.optional(),
  DIMSE_TLS_PORT: wholeNumber(1, 65535).optional(),
  DIMSE_TLS_KEY: z.string().optional(),
  DIMSE_TLS_CERT: z.string().optional(),
  DIMSE_TLS_CA: z.string().optional(),
  DIMSE_AE_TITLE: z.string().refine(isAeTitle, 'must have 1 to 16 characters of ASCII, no backslash').default('CSSS'),
  DIMSE_ASSOCIATIONS: wholeNumber(1, 1000).default(50),
  DIMSE_IDLE_SECONDS: wholeNumber(5, 3600).default(60),
  DIMSE_PRIVATE_CLASSES: privateClasses.prefault(''),
};

type DimseVariables = z.infer<z.ZodObject<typeof dimseVariables>>;
type Others = { CSSS_MODE: 'demo' | 'production'; HOST: string; ROLE: { dimse: boolean; all: boolean } };

/** How other application entities reach us, and how we call them. */
export interface DimseConfig {
  host: string;
  /** Undefined: not without TLS. */
  port: number | undefined;
  /** The port is the demo's own: the server also starts where it is taken. */
  portIsUsual: boolean;
  tlsPort: number | undefined;
  /** Files in PEM form. */
  tls: { key: string; cert: string; ca: string | undefined } | undefined;
  title: string;
  associations: number;
  idleSeconds: number;
  privateClasses: 'all' | ReadonlySet<string>;
}

export function dimseOf(value: DimseVariables & Others): DimseConfig {
  const { DIMSE_TLS_KEY: key, DIMSE_TLS_CERT: cert, DIMSE_TLS_CA: ca } = value;
  const port = value.DIMSE_PORT === 'none' ? undefined : value.DIMSE_PORT;
  const portIsUsual = value.DIMSE_PORT === undefined && value.CSSS_MODE === 'demo';
  return {
    host: value.DIMSE_HOST ?? value.HOST,
    port: portIsUsual ? 11112 : port,
    portIsUsual,
    tlsPort: value.DIMSE_TLS_PORT,
    tls: key !== undefined && cert !== undefined ? { key, cert, ca } : undefined,
    title: value.DIMSE_AE_TITLE,
    associations: value.DIMSE_ASSOCIATIONS,
    idleSeconds: value.DIMSE_IDLE_SECONDS,
    privateClasses: value.DIMSE_PRIVATE_CLASSES,
  };
}

/** What contradicts itself, in words for operators. */
export function dimseMistakes(value: DimseVariables & Others): string[] {
  const { ROLE } = value;
  const mistakes: string[] = [];
  const { DIMSE_PORT, DIMSE_TLS_PORT, DIMSE_TLS_KEY, DIMSE_TLS_CERT, DIMSE_TLS_CA } = value;
  const hasPort = typeof DIMSE_PORT === 'number' || DIMSE_TLS_PORT !== undefined;
  if (ROLE.dimse && !ROLE.all && !hasPort)
    mistakes.push('DIMSE_PORT: ROLE names dimse, which needs a port: DIMSE_PORT, or DIMSE_TLS_PORT for TLS');
  if (DIMSE_TLS_PORT !== undefined && !(DIMSE_TLS_KEY && DIMSE_TLS_CERT))
    mistakes.push('DIMSE_TLS_PORT: needs DIMSE_TLS_KEY and DIMSE_TLS_CERT, files in PEM form');
  if ((DIMSE_TLS_KEY === undefined) !== (DIMSE_TLS_CERT === undefined) || (DIMSE_TLS_CA && !DIMSE_TLS_KEY))
    mistakes.push('DIMSE_TLS_KEY: DIMSE_TLS_KEY and DIMSE_TLS_CERT belong together, and DIMSE_TLS_CA to them');
  return mistakes;
}
