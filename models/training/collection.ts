import { readFileSync, readdirSync, statSync } from 'node:fs';
import { extname, join, posix, resolve, sep } from 'node:path';
import { parseCsv } from './csv.ts';
import { LABELS, type Label } from './labels.ts';

/** One image as the collection describes it, before anything is known of its pixels. */
export interface Listed {
  /** Relative to the collection's root, with forward slashes. */
  file: string;
  label: Label;
  modality: 'chest' | 'cardiac';
  /** Empty when the collection does not say. */
  patient: string;
  /** Hospital or data set; the class folder's root when unknown. */
  site: string;
  scanner: string;
  view: string;
  /** As the collection writes it; empty when it does not say. */
  sex: string;
  /** Years; undefined when the collection does not say. */
  age?: number;
  /** Images known to belong together (near duplicates found earlier). */
  group: string;
  licence: string;
  /** Never for training, calibration or choice: another hospital's images. */
  external: boolean;
}

const EXTENSIONS = new Set(['.png', '.jpg', '.jpeg', '.dcm']);
const CARDIAC_VIEWS = new Set(['SAX', 'LAX', '2CH', '4CH']);

/**
 * Lists a collection: a CSV (columns `file`, `class`; optional `patient`, `site` or `source`, `scanner`, `view`,
 * `sex`, `age`, `modality`, `group`, `licence`, `external`) or a folder with one folder for each class.
 *
 * Files below a folder `external/` count as external too.
 *
 * @throws RangeError for an unknown class, a missing column or a path that leaves the root.
 */
export function listCollection(root: string, csv?: string): Listed[] {
  const path = csv ?? join(root, 'manifest.csv');
  const listed =
    csv !== undefined || statSync(path, { throwIfNoEntry: false }) ? fromCsv(root, path) : fromFolders(root);
  if (listed.length === 0) throw new RangeError(`${root} holds no images`);
  return listed;
}

function asLabel(value: string, where: string): Label {
  const label = LABELS.find((known) => known === value);
  if (!label) throw new RangeError(`${where}: class "${value}" is none of ${LABELS.join(', ')}`);
  return label;
}

function fromCsv(root: string, path: string): Listed[] {
  const base = resolve(root) + sep;
  return parseCsv(readFileSync(path, 'utf8')).map((row, index) => {
    const where = `${path} row ${index + 2}`;
    const { file = '', view = '', patient = '', scanner = '', group = '', licence = '' } = row;
    if (file === '' || !resolve(root, file).startsWith(base)) {
      throw new RangeError(`${where}: "${file}" is not a file below the collection`);
    }
    const upper = view.toUpperCase();
    return {
      file: file.split(sep).join(posix.sep),
      label: asLabel(row['class'] ?? '', where),
      modality: row['modality'] === 'cardiac' || CARDIAC_VIEWS.has(upper) ? 'cardiac' : 'chest',
      patient,
      site: row['site'] ?? row['source'] ?? '',
      scanner,
      view: upper,
      sex: (row['sex'] ?? '').toUpperCase(),
      ...ageOf(row['age'] ?? '', where),
      group,
      licence,
      external: file.startsWith('external/') || row['external'] === 'true',
    };
  });
}

/** Years, or a DICOM Age String (PS3.5 6.2, `AS`: `063Y`, `018M`). */
function ageOf(text: string, where: string): { age?: number } {
  if (text === '') return {};
  const [, number, unit = 'Y'] = /^(\d{1,3})([YMWD]?)$/i.exec(text) ?? [];
  if (number === undefined) throw new RangeError(`${where}: age "${text}" is neither years nor like 063Y`);
  const perYear = { Y: 1, M: 12, W: 52, D: 365 }[unit.toUpperCase() || 'Y'] ?? 1;
  return { age: Math.floor(Number(number) / perYear) };
}

function fromFolders(root: string): Listed[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap(({ name }) => {
      const label = asLabel(name, root);
      return readdirSync(join(root, name))
        .filter((file) => EXTENSIONS.has(extname(file).toLowerCase()))
        .sort()
        .map((file) => ({
          file: `${name}/${file}`,
          label,
          modality: label === 'Sick' ? ('cardiac' as const) : ('chest' as const),
          patient: '',
          site: '',
          scanner: '',
          view: '',
          sex: '',
          group: '',
          licence: '',
          external: false,
        }));
    });
}
