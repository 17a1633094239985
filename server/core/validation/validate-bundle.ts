/** What only a Bundle can get wrong (FHIR bundle.html#bundle-unique, references.html): the fullUrls of its entries. */
import { isNode, report, type Node, type ValidationIssue } from './validate-issue.ts';

const restful = /^https?:\/\/.+\/([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/;

/** A fullUrl is absolute, and one that is a RESTful address names the type and id of its resource. */
export function checkBundle(bundle: Node, path: string, issues: ValidationIssue[]): void {
  const entries = Array.isArray(bundle['entry']) ? bundle['entry'] : [];
  entries.forEach((entry: unknown, index: number) => {
    if (!isNode(entry) || typeof entry['fullUrl'] !== 'string') return;
    const url = entry['fullUrl'];
    const here = `${path}.entry[${index}].fullUrl`;
    if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url)) return report(issues, 'value', 'must be an absolute URL', here);
    const resource = entry['resource'];
    const [, type, id] = restful.exec(url) ?? [];
    if (!isNode(resource) || resource['id'] === undefined || type === undefined) return;
    if (resource['resourceType'] === type && resource['id'] !== id)
      report(issues, 'value', 'does not have the id of its resource', here);
  });
}
