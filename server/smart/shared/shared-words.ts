/** What the pages behind a shared link say. */
export type PageLanguage = 'en' | 'ta' | 'hi';

const en = {
  codeTitle: 'A report was shared with you',
  codeLead: 'Type the code that the patient gave you. It is not in the message that brought the link.',
  codeLabel: 'Code (8 characters)',
  open: 'Open',
  wrong: 'This code is not right. Tries that are left: {left}. After the last wrong one the link ends for good.',
  overTitle: 'This link does not work',
  overLead:
    'It may have ended, or the patient has taken it back, or a wrong code was typed too often. Ask the patient for a new one.',
  goneTitle: 'This report is not valid any more',
  goneLead:
    'The report that was shared here was withdrawn. Please do not use a copy of it. Ask the patient or the hospital.',
  sharedUntil: 'Shared with you by the patient until {day}. Each opening is written down, and the patient sees it.',
  released: 'Report released on {day}.',
  corrected:
    'The report was corrected after its first release. This is the version of {day}; it replaces earlier ones.',
  reportOpen: 'Open the report (PDF)',
  imagesOpen: 'Look at the images ({count})',
  imagesSave: 'Download the images (DICOM, ZIP)',
  noImages: 'There are no images to be shown.',
  imageOf: 'Image {number} of {count}',
  frameOf: 'Picture {number} of {count} in this image',
  earlier: 'Previous image',
  later: 'Next image',
  earlierFrame: 'Previous picture',
  laterFrame: 'Next picture',
  back: 'Back',
  notDiagnostic: 'A preview, not for making a diagnosis. Download the images for that.',
  slow: 'Too many requests came from your network. Wait a moment, then try again.',
};

type SharedWords = Readonly<Record<keyof typeof en, string>>;

const ta: SharedWords = {
  codeTitle: 'ஒரு அறிக்கை உங்களுடன் பகிரப்பட்டுள்ளது',
  codeLead: 'நோயாளி உங்களுக்குக் கொடுத்த குறியீட்டைத் தட்டச்சு செய்யுங்கள். அது இணைப்பு வந்த செய்தியில் இருக்காது.',
  codeLabel: 'குறியீடு (8 எழுத்துகள்)',
  open: 'திற',
  wrong: 'இந்தக் குறியீடு சரியல்ல. மீதமுள்ள முயற்சிகள்: {left}. கடைசி முயற்சியும் தவறானால் இணைப்பு நிரந்தரமாக முடிவடையும்.',
  overTitle: 'இந்த இணைப்பு வேலை செய்யவில்லை',
  overLead:
    'இதன் காலம் முடிந்திருக்கலாம், நோயாளி இதைத் திரும்பப் பெற்றிருக்கலாம், அல்லது தவறான குறியீடு பலமுறை தட்டச்சு செய்யப்பட்டிருக்கலாம். நோயாளியிடம் புதிய இணைப்பைக் கேளுங்கள்.',
  goneTitle: 'இந்த அறிக்கை இனி செல்லாது',
  goneLead:
    'இங்கே பகிரப்பட்ட அறிக்கை திரும்பப் பெறப்பட்டது. அதன் நகலைப் பயன்படுத்த வேண்டாம். நோயாளியிடம் அல்லது மருத்துவமனையிடம் கேளுங்கள்.',
  sharedUntil: 'நோயாளி உங்களுடன் {day} வரை பகிர்ந்துள்ளார். ஒவ்வொரு முறை திறப்பதும் பதிவு செய்யப்படுகிறது; நோயாளி அதைப் பார்க்கலாம்.',
  released: 'அறிக்கை வெளியிடப்பட்ட நாள்: {day}.',
  corrected:
    'முதல் வெளியீட்டுக்குப் பிறகு அறிக்கை திருத்தப்பட்டது. இது {day} அன்றைய பதிப்பு; முந்தையவற்றுக்குப் பதிலாக இதைப் பயன்படுத்துங்கள்.',
  reportOpen: 'அறிக்கையைத் திற (PDF)',
  imagesOpen: 'படங்களைப் பார் ({count})',
  imagesSave: 'படங்களைப் பதிவிறக்கு (DICOM, ZIP)',
  noImages: 'காட்டுவதற்குப் படங்கள் இல்லை.',
  imageOf: 'படம் {number} / {count}',
  frameOf: 'இந்தப் படத்தில் காட்சி {number} / {count}',
  earlier: 'முந்தைய படம்',
  later: 'அடுத்த படம்',
  earlierFrame: 'முந்தைய காட்சி',
  laterFrame: 'அடுத்த காட்சி',
  back: 'திரும்பு',
  notDiagnostic: 'இது முன்னோட்டம் மட்டுமே; நோயறிவதற்கு அல்ல. அதற்குப் படங்களைப் பதிவிறக்குங்கள்.',
  slow: 'உங்கள் இணைய இணைப்பிலிருந்து மிக அதிகக் கோரிக்கைகள் வந்தன. சற்றுப் பொறுத்து மீண்டும் முயலுங்கள்.',
};

const hi: SharedWords = {
  codeTitle: 'आपके साथ एक रिपोर्ट साझा की गई है',
  codeLead: 'मरीज़ ने आपको जो कोड दिया है, उसे टाइप करें। वह लिंक वाले संदेश में नहीं है।',
  codeLabel: 'कोड (8 अक्षर)',
  open: 'खोलें',
  wrong: 'यह कोड सही नहीं है। बचे हुए प्रयास: {left}। आख़िरी ग़लत प्रयास के बाद लिंक हमेशा के लिए बंद हो जाएगा।',
  overTitle: 'यह लिंक काम नहीं करता',
  overLead:
    'हो सकता है इसकी अवधि पूरी हो गई हो, मरीज़ ने इसे वापस ले लिया हो, या ग़लत कोड कई बार टाइप किया गया हो। मरीज़ से नया लिंक माँगें।',
  goneTitle: 'यह रिपोर्ट अब मान्य नहीं है',
  goneLead: 'यहाँ साझा की गई रिपोर्ट वापस ले ली गई है। कृपया उसकी प्रति का उपयोग न करें। मरीज़ या अस्पताल से पूछें।',
  sharedUntil: 'मरीज़ ने {day} तक आपके साथ साझा किया है। हर बार खोलना दर्ज होता है और मरीज़ उसे देखता है।',
  released: 'रिपोर्ट {day} को जारी हुई।',
  corrected: 'पहली बार जारी होने के बाद रिपोर्ट सुधारी गई। यह {day} का संस्करण है; यह पिछले संस्करणों की जगह लेता है।',
  reportOpen: 'रिपोर्ट खोलें (PDF)',
  imagesOpen: 'चित्र देखें ({count})',
  imagesSave: 'चित्र डाउनलोड करें (DICOM, ZIP)',
  noImages: 'दिखाने के लिए कोई चित्र नहीं है।',
  imageOf: 'चित्र {number} / {count}',
  frameOf: 'इस चित्र में दृश्य {number} / {count}',
  earlier: 'पिछला चित्र',
  later: 'अगला चित्र',
  earlierFrame: 'पिछला दृश्य',
  laterFrame: 'अगला दृश्य',
  back: 'वापस',
  notDiagnostic: 'यह केवल झलक है, निदान के लिए नहीं। उसके लिए चित्र डाउनलोड करें।',
  slow: 'आपके नेटवर्क से बहुत अधिक अनुरोध आए। थोड़ा रुककर फिर कोशिश करें।',
};

const tables: Record<PageLanguage, SharedWords> = { en, ta, hi };

export interface Speech {
  (key: keyof typeof en, values?: Readonly<Record<string, string | number>>): string;
  language: PageLanguage;
}

export function speechIn(language: PageLanguage): Speech {
  const say = (key: keyof typeof en, values: Readonly<Record<string, string | number>> = {}) => {
    const known = new Map(Object.entries(values));
    return tables[language][key].replace(/\{(\w+)\}/g, (all, name: string) => String(known.get(name) ?? all));
  };
  return Object.assign(say, { language });
}

/** As the pages of the web application: what was chosen on this device, else what the browser asks for. */
export function languageOf(ctx: {
  cookies: { get(name: string, options: { signed: false }): string | undefined };
  get(header: string): string;
}): PageLanguage {
  const chosen = known(ctx.cookies.get('csss-language', { signed: false }));
  if (chosen) return chosen;
  const asked = ctx.get('Accept-Language').slice(0, 500).split(',');
  return asked.map((part) => known(part.split(';')[0])).find((one) => one !== undefined) ?? 'en';
}

function known(tag: string | undefined): PageLanguage | undefined {
  const primary = tag?.trim().split(/[-_]/, 1)[0]?.toLowerCase();
  return (['en', 'ta', 'hi'] as const).find((one) => one === primary);
}
