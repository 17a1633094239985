/** Security labels (meta.security): what a machine wrote, and what a patient does not see yet. */
import type { Coding, Meta, Resource } from '@medplum/fhirtypes';
import { systems } from './systems.ts';

/** "Artificial Intelligence asserted" (v3-ObservationValue): on everything that a model wrote, for ever. */
export const aiAsserted: Coding = {
  system: systems.observationValue,
  code: 'AIAST',
  display: 'Artificial Intelligence asserted',
};

/** "No disclosure to patient without provider's authorization" (v3-ActCode): on results until they are released. */
export const withheld: Coding = { system: systems.actCode, code: 'NOPAT' };

/** The same security labels without the one that withholds from the patient. */
export function released(meta: Meta | undefined): Meta | undefined {
  if (!meta?.security?.some(withholds)) return meta;
  const security = meta.security.filter((label) => !withholds(label));
  const { security: _withheld, ...rest } = meta;
  return security.length > 0 ? { ...rest, security } : rest;
}

function withholds(label: Coding): boolean {
  return label.system === withheld.system && label.code === withheld.code;
}

/** The same labels and the one that withholds from the patient. */
export function withholding(meta: Meta | undefined): Meta {
  if (meta?.security?.some(withholds)) return meta;
  return { ...meta, security: [...(meta?.security ?? []), withheld] };
}

/** Whether a record is kept from its patient. */
export function isWithheld({ meta }: Resource): boolean {
  return meta?.security?.some(withholds) ?? false;
}

/** Whether a record says that software asserted it. */
export function isAiAsserted({ meta }: Resource): boolean {
  return meta?.security?.some(isAiLabel) ?? false;
}

function isAiLabel(label: Coding): boolean {
  return label.system === aiAsserted.system && label.code === aiAsserted.code;
}

/** A new version with the labels of these two kinds that the standing one has: a write never takes them off. */
export function withLabelsOf<Kind extends Resource>(before: Resource, after: Kind): Kind {
  const lost = (before.meta?.security ?? []).filter(
    (label) => (withholds(label) && !isWithheld(after)) || (isAiLabel(label) && !isAiAsserted(after)),
  );
  if (lost.length === 0) return after;
  return { ...after, meta: { ...after.meta, security: [...(after.meta?.security ?? []), ...lost] } };
}
