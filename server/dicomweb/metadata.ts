import { absoluteBulk } from '../core/studies/bulk-address.ts';
import { entityOf, locate } from '../core/studies/locate.ts';
import type { InstanceRow, World } from '../core/ports.ts';
import { notModified } from '../http/conditional.ts';
import { accepted, asking, contentTag, partOf, send, type Exchange } from './exchange.ts';

const offers = [
  { name: 'dicom-json', media: 'application/dicom+json' },
  { name: 'json', media: 'application/json' },
] as const;

/** Instances that are turned into JSON before the event loop has its turn again. */
const batch = 16;

/** Metadata of a study, series or instance (PS3.18 10.4.1.1.2): all attributes, bulk values by their addresses. */
export function metadata(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const [choice] = accepted(ctx, offers);
    const { instances } = await locate(world, asking(ctx), partOf(ctx), 'dicomweb:metadata', 'metadata');
    ctx.set('Cache-Control', 'no-store');
    // Weak: the answer may be compressed on its way, or not.
    if (notModified(ctx, { etag: `W/"${contentTag(instances)}"` })) return;
    const type = choice!.name === 'json' ? 'application/json; charset=utf-8' : 'application/dicom+json';
    await send(ctx, type, jsonArray(instances, world.settings.dicomwebBaseUrl));
  };
}

async function* jsonArray(instances: InstanceRow[], baseUrl: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < instances.length; at += batch) {
    const texts = instances
      .slice(at, at + batch)
      .map((instance) => JSON.stringify(absoluteBulk(instance.attributes, `${baseUrl}/${entityOf(instance)}`)));
    yield Buffer.from(`${at === 0 ? '[' : ','}${texts.join(',')}${at + batch >= instances.length ? ']' : ''}`);
  }
}
