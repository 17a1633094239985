import type { Organization } from '@medplum/fhirtypes';
import { derivedId } from '../derived-id.ts';
import { Problem } from '../problem.ts';
import { create, put, type Kept } from '../records/server-write.ts';
import { isTimeZone } from '../time-zone.ts';
import type { WriteContext } from '../world.ts';
import type { SiteWords } from './site-store.ts';

/** What the environment says of the site: it wins over what is kept. */
export interface FixedWords {
  name?: string;
  timeZone?: string;
}

/** The Organization of the site; clients cannot make a record under such an id. */
const siteOrganization = derivedId('organization', 'site');

/**
 * Keeps what an administrator says of the site, and the Organization that says it to other systems, in one transaction.
 *
 * @throws Problem `business-rule` for another value of what the environment sets, `value` for a zone or language that
 * is none.
 */
export async function changeSite(context: WriteContext, wanted: SiteWords, fixed: FixedWords): Promise<void> {
  refuseFixed('name', 'SITE_NAME', fixed.name, wanted.name);
  refuseFixed('timeZone', 'SITE_TIME_ZONE', fixed.timeZone, wanted.timeZone);
  if (!isTimeZone(wanted.timeZone))
    throw new Problem('value', 'The time zone must be an IANA name such as Europe/Berlin.', { expression: 'timeZone' });
  const languages = wanted.languages.map(languageTag);
  await context.stores.site.lock();
  await keepOrganization(context, wanted);
  await context.stores.site.save({ ...wanted, languages: [...new Set(languages)] }, siteOrganization);
}

function refuseFixed(field: string, variable: string, fixed: string | undefined, wanted: string): void {
  if (fixed === undefined || fixed === wanted) return;
  throw new Problem(
    'business-rule',
    `${variable} of the server's environment sets this to "${fixed}". Take it out there to change it here.`,
    { expression: field },
  );
}

/** BCP 47 in its canonical form. @throws Problem `value`. */
function languageTag(text: string): string {
  try {
    return new Intl.Locale(text).toString();
  } catch (cause) {
    throw new Problem('value', 'A language is written as a tag such as en or de-CH.', {
      expression: 'languages',
      cause,
    });
  }
}

async function keepOrganization(context: WriteContext, { name, address, phone }: SiteWords): Promise<void> {
  const standing = await context.stores.records.lock('Organization', siteOrganization);
  const { line, city, postalCode, country } = address;
  const places = {
    ...(line.length > 0 && { line }),
    ...(city !== '' && { city }),
    ...(postalCode !== '' && { postalCode }),
    ...(country !== '' && { country }),
  };
  const kept = standing?.resource as Kept<'Organization'> | undefined;
  const { telecom: points = [], ...rest } = kept ?? {};
  // Other ways to reach the site may have been added by other systems.
  const others = points.filter(({ system }) => system !== 'phone');
  const telecom: Organization['telecom'] = [
    ...(phone === undefined ? [] : [{ system: 'phone' as const, value: phone }]),
    ...others,
  ];
  const organization: Kept<'Organization'> = {
    ...rest,
    resourceType: 'Organization',
    id: siteOrganization,
    active: true,
    name,
    ...(telecom.length > 0 && { telecom }),
    ...(Object.keys(places).length > 0 && { address: [places] }),
  };
  if (Object.keys(places).length === 0) delete organization.address;
  await (kept ? put(context, organization) : create(context, organization));
}
