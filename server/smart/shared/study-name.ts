/** What people call a scan: kind of image, part of the body, day. No number, and no word of the trade. */
import type { PageLanguage } from './shared-words.ts';

type Kind = 'xray' | 'ct' | 'mr' | 'us' | 'mg' | 'nm' | 'scan';

const kindOf: ReadonlyMap<string, Kind> = new Map([
  ['CR', 'xray'], ['DX', 'xray'], ['RF', 'xray'], ['XA', 'xray'], ['CT', 'ct'], ['MR', 'mr'], ['US', 'us'], ['MG', 'mg'], ['NM', 'nm'], ['PT', 'nm'],
]); // prettier-ignore

const kinds: Record<PageLanguage, Record<Kind, string>> = {
  en: { xray: 'X-ray', ct: 'CT scan', mr: 'MRI scan', us: 'ultrasound', mg: 'mammogram', nm: 'nuclear scan', scan: 'scan' },
  ta: { xray: 'எக்ஸ்-ரே', ct: 'சி.டி. ஸ்கேன்', mr: 'எம்.ஆர்.ஐ. ஸ்கேன்', us: 'அல்ட்ராசவுண்ட்', mg: 'மார்பகப் படம்', nm: 'அணுக்கரு ஸ்கேன்', scan: 'ஸ்கேன்' },
  hi: { xray: 'एक्स-रे', ct: 'सीटी स्कैन', mr: 'एमआरआई स्कैन', us: 'अल्ट्रासाउंड', mg: 'मैमोग्राम', nm: 'न्यूक्लियर स्कैन', scan: 'स्कैन' },
}; // prettier-ignore

/** By SNOMED CT code, as ImagingStudy.series.bodySite has them. */
const parts: Record<PageLanguage, ReadonlyMap<string, string>> = {
  en: new Map([
    ['818981001', 'Abdomen'], ['70258002', 'Ankle'], ['12738006', 'Brain'], ['76752008', 'Breast'], ['51185008', 'Chest'], ['122494005', 'Neck spine'],
    ['16953009', 'Elbow'], ['56459004', 'Foot'], ['85562004', 'Hand'], ['69536005', 'Head'], ['80891009', 'Heart'], ['64033007', 'Kidney'],
    ['72696002', 'Knee'], ['10200004', 'Liver'], ['122496007', 'Lower spine'], ['39607008', 'Lung'], ['45048000', 'Neck'], ['16982005', 'Shoulder'],
    ['89546000', 'Skull'], ['122495006', 'Upper spine'],
  ]),
  ta: new Map([
    ['818981001', 'வயிறு'], ['70258002', 'கணுக்கால்'], ['12738006', 'மூளை'], ['76752008', 'மார்பகம்'], ['51185008', 'மார்பு'], ['122494005', 'கழுத்து முதுகெலும்பு'],
    ['16953009', 'முழங்கை'], ['56459004', 'பாதம்'], ['85562004', 'கை'], ['69536005', 'தலை'], ['80891009', 'இதயம்'], ['64033007', 'சிறுநீரகம்'],
    ['72696002', 'முழங்கால்'], ['10200004', 'கல்லீரல்'], ['122496007', 'கீழ் முதுகெலும்பு'], ['39607008', 'நுரையீரல்'], ['45048000', 'கழுத்து'], ['16982005', 'தோள்பட்டை'],
    ['89546000', 'மண்டை ஓடு'], ['122495006', 'மேல் முதுகெலும்பு'],
  ]),
  hi: new Map([
    ['818981001', 'पेट'], ['70258002', 'टखने'], ['12738006', 'मस्तिष्क'], ['76752008', 'स्तन'], ['51185008', 'छाती'], ['122494005', 'गर्दन की रीढ़'],
    ['16953009', 'कोहनी'], ['56459004', 'पैर'], ['85562004', 'हाथ'], ['69536005', 'सिर'], ['80891009', 'हृदय'], ['64033007', 'गुर्दे'],
    ['72696002', 'घुटने'], ['10200004', 'जिगर'], ['122496007', 'निचली रीढ़'], ['39607008', 'फेफड़े'], ['45048000', 'गर्दन'], ['16982005', 'कंधे'],
    ['89546000', 'खोपड़ी'], ['122495006', 'ऊपरी रीढ़'],
  ]),
}; // prettier-ignore

export interface NamedStudy {
  modality?: string;
  /** SNOMED CT code, else the words of the image. */
  bodyPart?: string;
  takenOn?: string;
}

export function studyName(study: NamedStudy | undefined, language: PageLanguage, timeZone: string): string {
  const kind = kinds[language][kindOf.get(study?.modality ?? '') ?? 'scan'];
  const part = parts[language].get(study?.bodyPart ?? '');
  const day = dayText(study?.takenOn, language, timeZone);
  const what = part === undefined ? capital(kind) : language === 'hi' ? `${part} का ${kind}` : `${part} ${kind}`;
  return day === undefined ? what : `${what}, ${day}`;
}

/** A whole date as the site has it; a time stamp on the day that it was there. */
export function dayText(value: string | undefined, language: PageLanguage, timeZone: string): string | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})(T.+)?$/.exec(value ?? '');
  if (!match) return undefined;
  const zone = match[4] === undefined ? 'UTC' : timeZone;
  return new Intl.DateTimeFormat(locales[language], { dateStyle: 'long', timeZone: zone }).format(new Date(value!));
}

const locales: Record<PageLanguage, string> = { en: 'en-GB', ta: 'ta-IN', hi: 'hi-IN' };

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
