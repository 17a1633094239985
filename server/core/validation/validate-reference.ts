/** References and contained resources (FHIR references.html): ref-1, dom-3, dom-4, dom-5 and target types. */
import { resourceTypes } from '../r4/structure.ts';
import { isNode, report, type Node, type Walk } from './validate-issue.ts';

const relativeForm = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
const idForm = /^[A-Za-z0-9\-.]{1,64}$/;

/** Checks form and target type of one Reference. Whether the target exists is not asked. */
export function checkReference(value: Node, targets: readonly string[] | undefined, path: string, walk: Walk): void {
  const reference = value['reference'];
  const stated = value['type'];
  if (typeof stated === 'string' && targets && resourceTypes.has(stated) && !targets.includes(stated)) {
    report(walk.issues, 'value', `may refer to ${targets.join(', ')} only`, `${path}.type`);
  }
  if (typeof reference !== 'string') return;
  if (reference.startsWith('#')) {
    const id = reference.slice(1);
    walk.localReferences.push({ id, expression: path });
    checkTarget(walk.contained.get(id)?.['resourceType'], targets, path, walk);
    return;
  }
  if (/^(urn:|[a-z][a-z0-9+.-]*:\/\/)/i.test(reference)) {
    const match = /^https?:/.test(reference) ? relativeForm.exec(reference) : null;
    if (match && resourceTypes.has(match[1]!)) checkTarget(match[1], targets, path, walk);
    return;
  }
  if (reference.includes('?') && path.startsWith('Bundle.')) return; // conditional: a transaction resolves it
  const match = relativeForm.exec(reference);
  if (!match || match.index !== 0 || reference[0] === '/') {
    report(walk.issues, 'value', 'is neither Type/id, an absolute URL, a urn nor a local #id', `${path}.reference`);
  } else if (!resourceTypes.has(match[1]!)) {
    report(walk.issues, 'value', 'does not name an R4 resource type', `${path}.reference`);
  } else checkTarget(match[1], targets, path, walk);
}

function checkTarget(type: unknown, targets: readonly string[] | undefined, path: string, walk: Walk): void {
  if (typeof type === 'string' && targets && !targets.includes(type)) {
    report(walk.issues, 'value', `may refer to ${targets.join(', ')} only`, `${path}.reference`);
  }
}

/** After the whole resource was walked: every `#id` has its contained resource, and every contained one its use. */
export function checkContained(walk: Walk, path: string): void {
  const contained = Array.isArray(walk.root['contained']) ? walk.root['contained'] : [];
  for (const { id, expression } of walk.localReferences) {
    // Of plain URIs only references must resolve; `#` alone names the container.
    if (expression !== '' && id !== '' && !walk.contained.has(id)) {
      report(
        walk.issues,
        'invariant',
        'ref-1: names a contained resource that is not there',
        `${expression}.reference`,
      );
    }
  }
  const named = new Set(walk.localReferences.map(({ id }) => id));
  const seen = new Set<unknown>();
  contained.forEach((one: unknown, index: number) => {
    if (!isNode(one)) return;
    const here = `${path}.contained[${index}]`;
    const meta = isNode(one['meta']) ? one['meta'] : {};
    if (typeof one['id'] !== 'string' || !idForm.test(one['id']))
      report(walk.issues, 'required', 'needs an id', `${here}.id`);
    else if (seen.has(one['id']))
      report(walk.issues, 'value', 'has the id of another contained resource', `${here}.id`);
    else if (!named.has(one['id']) && !refersToContainer(one)) {
      report(walk.issues, 'invariant', 'dom-3: a contained resource must be referred to', here);
    }
    seen.add(one['id']);
    if (meta['versionId'] !== undefined || meta['lastUpdated'] !== undefined) {
      report(walk.issues, 'invariant', 'dom-4: a contained resource has no versionId or lastUpdated', `${here}.meta`);
    }
    if (meta['security'] !== undefined)
      report(walk.issues, 'invariant', 'dom-5: a contained resource has no security label', `${here}.meta`);
  });
}

function refersToContainer(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(refersToContainer);
  if (!isNode(value)) return false;
  return value['reference'] === '#' || Object.values(value).some(refersToContainer);
}
