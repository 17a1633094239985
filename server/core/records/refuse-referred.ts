import type { ResourceType } from '@medplum/fhirtypes';
import { tryNarrow } from '../access/policy.ts';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';

/**
 * Refuses to delete what other records refer to: they would point at nothing, and nobody could tell what was meant (FHIR
 * http.html#delete: 409). References are those that a search parameter finds. What a Provenance is about does not count:
 * it tells of versions, which stay.
 *
 * Within a transaction Bundle it is asked when all entries are done, so that one may delete what refers, or point it
 * elsewhere. A reference that another transaction writes at the same moment is not seen: references are not checked when
 * they are written, here as in FHIR.
 *
 * @throws Problem `conflict` with some of the referring records, as far as the caller may see them, and their number.
 */
export async function refuseReferred(context: WriteContext, type: ResourceType, id: string): Promise<void> {
  const check = async () => {
    const { principal, stores } = context;
    const found = await stores.records.referrers(type, id, (referring) => tryNarrow(principal, referring, 'read'));
    if (found.count === 0) return mustBeNobody(context, type, id);
    const number =
      found.count > mostCounted
        ? `more than ${mostCounted} records`
        : found.count === 1
          ? '1 record'
          : `${found.count} records`;
    const named =
      found.seen.length > 0 ? `: ${found.seen.join(', ')}${found.count > found.seen.length ? ' ...' : ''}` : '';
    throw new Problem(
      'conflict',
      `${type}/${id} is referred to by ${number}${named}. Delete them first, point them elsewhere, or delete all in one ` +
        'transaction Bundle; a record that is out of use is made inactive or entered-in-error instead.',
    );
  };
  if (context.atEnd) context.atEnd.push(check);
  else await check();
}

const persons = new Set<ResourceType>(['Patient', 'Practitioner', 'RelatedPerson', 'Person']);

/** An account without its person could read and sign nothing, and the next to take the id would be that person. */
async function mustBeNobody({ stores }: WriteContext, type: ResourceType, id: string): Promise<void> {
  if (!persons.has(type) || !(await stores.accounts.isSomebody(`${type}/${id}`))) return;
  throw new Problem(
    'conflict',
    `Somebody signs in as ${type}/${id}: disable the account, and make the record inactive.`,
  );
}

/** The rest is not counted: a hospital's Organization has millions. */
export const mostCounted = 1000;
