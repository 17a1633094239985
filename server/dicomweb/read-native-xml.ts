import sax from 'sax';
import { Problem } from '../core/problem.ts';
import { own, put } from '../core/table.ts';
import { isPrivate } from '../core/dicom/dictionary.ts';
import type { DicomElement, DicomJson, DicomValue, PersonName } from '../core/dicom/json.ts';

interface Open {
  name: string;
  attributes: Readonly<Record<string, string>>;
  text: string;
  /** Of a data set or an item. */
  json: DicomJson;
  /** Of an attribute. */
  element?: DicomElement;
  numbered: [number: number, value: DicomValue][];
  /** Of a name: its groups; of a group: its components. */
  groups: PersonName;
  components: Map<string, string>;
  /** Of a data set: blocks of private creators. */
  creators: Map<string, string>;
}

const components = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix'];
const children: Readonly<Record<string, readonly string[]>> = {
  '': ['NativeDicomModel'],
  NativeDicomModel: ['DicomAttribute'],
  Item: ['DicomAttribute'],
  DicomAttribute: ['Value', 'Item', 'PersonName', 'BulkData', 'InlineBinary'],
  PersonName: ['Alphabetic', 'Ideographic', 'Phonetic'],
  Alphabetic: components,
  Ideographic: components,
  Phonetic: components,
};
const deepest = 200;

/**
 * A data set in the Native DICOM Model (PS3.19 A.1) as DICOM JSON. Values are text; whether their VR can hold them is for
 * whoever writes them.
 *
 * @throws Problem `structure` for what is not well formed, has a document type, or elements that the model does not have.
 */
export function readNativeXml(text: string): DicomJson {
  const reader = sax.parser(true, { xmlns: false, trim: false });
  const stack: Open[] = [opened('', {})];
  let result: DicomJson | undefined;
  reader.onerror = (error) => {
    throw new Problem('structure', 'The metadata is no well-formed XML', { cause: error });
  };
  reader.ondoctype = () => {
    throw new Problem('structure', 'Metadata in XML has no document type');
  };
  reader.onopentag = ({ name, attributes }) => {
    const local = name.slice(name.indexOf(':') + 1);
    const parent = stack.at(-1)!;
    if (!own(children, parent.name)?.includes(local) || stack.length > deepest)
      throw new Problem('structure', 'The metadata is not in the Native DICOM Model (PS3.19 A.1)');
    stack.push(opened(local, attributes as Record<string, string>));
  };
  reader.ontext = (more) => (stack.at(-1)!.text += more);
  reader.oncdata = (more) => (stack.at(-1)!.text += more);
  reader.onclosetag = () => {
    const closed = stack.pop()!;
    if (closed.name === 'NativeDicomModel') result = closed.json;
    else close(closed, stack.at(-1)!);
  };
  reader.write(text.replace(/^\ufeff/, '')).close();
  if (!result) throw new Problem('structure', 'The metadata is not in the Native DICOM Model (PS3.19 A.1)');
  return result;
}

function opened(name: string, attributes: Record<string, string>): Open {
  return { name, attributes, text: '', json: {}, numbered: [], groups: {}, components: new Map(), creators: new Map() };
}

function close(closed: Open, parent: Open): void {
  const { name, attributes, text } = closed;
  const number = Number(own(attributes, 'number') ?? parent.numbered.length + 1);
  if (name === 'DicomAttribute') closeAttribute(closed, parent);
  else if (name === 'Value') parent.numbered.push([number, text === '' ? null : text]);
  else if (name === 'Item') parent.numbered.push([number, closed.json]);
  else if (name === 'PersonName') parent.numbered.push([number, closed.groups]);
  else if (name === 'InlineBinary') parent.element = { vr: '', InlineBinary: text.replace(/\s+/g, '') };
  else if (name === 'BulkData') {
    const address = own(attributes, 'uri') ?? own(attributes, 'uuid');
    if (address === undefined) throw new Problem('structure', 'BulkData has neither uri nor uuid');
    parent.element = { vr: '', BulkDataURI: address };
  } else if (components.includes(name)) parent.components.set(name, text);
  else parent.groups = { ...parent.groups, [name]: groupOf(closed) };
}

function groupOf({ components: found }: Open): string {
  return components.map((name) => found.get(name) ?? '').join('^').replace(/\^{1,4}$/, ''); // prettier-ignore
}

function closeAttribute({ attributes, element, numbered }: Open, parent: Open): void {
  const tag = (own(attributes, 'tag') ?? '').toUpperCase();
  const vr = own(attributes, 'vr') ?? '';
  if (!/^[0-9A-F]{8}$/.test(tag) || !/^[A-Z]{2}$/.test(vr))
    throw new Problem('structure', 'A DicomAttribute has no tag of eight digits or no VR');
  const values = numbered.sort(([a], [b]) => a - b).map(([, value]) => value);
  const complete = element ? { ...element, vr } : values.length > 0 ? { vr, Value: values } : { vr };
  const creator = own(attributes, 'privateCreator');
  put(parent.json, privateTag(tag, creator, parent), complete);
  const reserves = creator === undefined && isPrivate(tag) && /^.{4}00[1-9A-F][0-9A-F]$/.test(tag);
  if (reserves && typeof values[0] === 'string') parent.creators.set(`${tag.slice(0, 4)} ${values[0]}`, tag.slice(6));
}

/** The model names private elements by their creator; in a data set they stand in the block that it reserved (PS3.5 7.8.1). */
function privateTag(tag: string, creator: string | undefined, { json, creators }: Open): string {
  if (creator === undefined || !tag.startsWith('00', 4)) return tag;
  const group = tag.slice(0, 4);
  let block = creators.get(`${group} ${creator}`);
  for (let n = 0x10; block === undefined && n <= 0xff; n++) {
    const free = n.toString(16).toUpperCase();
    if (own(json, `${group}00${free}`)) continue;
    block = free;
    creators.set(`${group} ${creator}`, free);
    put(json, `${group}00${free}`, { vr: 'LO', Value: [creator] });
  }
  if (block === undefined) throw new Problem('structure', 'A group has more private creators than blocks');
  return group + block + tag.slice(6);
}
