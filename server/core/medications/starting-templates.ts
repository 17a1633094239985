import type { Template } from './entries.ts';

const atc = (code: string) => [{ system: 'http://www.whocc.no/atc', code }];
const oral = '26643006';

/** The five that a site begins with; an administrator changes them as the site prescribes. */
export const startingTemplates: readonly (Template & { id: string })[] = [
  {
    id: 'amoxicillin',
    kind: 'template',
    label: { en: 'Amoxicillin', ta: 'அமோக்ஸிசிலின்', hi: 'एमोक्सिसिलिन' },
    medication: {
      en: 'Amoxicillin 500 mg capsules',
      ta: 'Amoxicillin 500 mg கேப்ஸ்யூல்',
      hi: 'Amoxicillin 500 mg कैप्सूल',
    },
    codes: atc('J01CA04'),
    dose: {
      amount: 1,
      unit: '{capsule}',
      frequency: 1,
      period: 8,
      periodUnit: 'h',
      durationValue: 7,
      durationUnit: 'd',
      route: oral,
    },
    notes: {
      en: 'Take with or without food and finish the course.\nStop and seek help at once if a rash or swelling appears.',
      ta: 'சாப்பாட்டுடனோ இல்லாமலோ எடுக்கலாம்; மருந்தை முழுவதும் எடுத்து முடிக்கவும்.\nதடிப்பு அல்லது வீக்கம் வந்தால் மருந்தை நிறுத்தி உடனே உதவி பெறவும்.',
      hi: 'खाने के साथ या खाली पेट ले सकते हैं; कोर्स पूरा करें।\nचकत्ते या सूजन दिखे तो दवा बंद करें और तुरंत मदद लें।',
    },
  },
  {
    id: 'azithromycin',
    kind: 'template',
    label: { en: 'Azithromycin', ta: 'அசித்ரோமைசின்', hi: 'एज़िथ्रोमाइसिन' },
    medication: {
      en: 'Azithromycin 500 mg tablets',
      ta: 'Azithromycin 500 mg மாத்திரை',
      hi: 'Azithromycin 500 mg टैबलेट',
    },
    codes: atc('J01FA10'),
    dose: {
      amount: 1,
      unit: '{tablet}',
      frequency: 1,
      period: 1,
      periodUnit: 'd',
      durationValue: 3,
      durationUnit: 'd',
      route: oral,
    },
    notes: {
      en: 'Take one hour before or two hours after a meal.\nTell the doctor about any heart rhythm disorder.',
      ta: 'சாப்பாட்டுக்கு ஒரு மணி நேரம் முன்போ இரண்டு மணி நேரம் பின்போ எடுக்கவும்.\nஇதயத் துடிப்பில் கோளாறு இருந்தால் மருத்துவரிடம் சொல்லவும்.',
      hi: 'खाने से एक घंटा पहले या दो घंटे बाद लें।\nदिल की धड़कन की कोई गड़बड़ी हो तो डॉक्टर को बताएँ।',
    },
  },
  {
    id: 'salbutamol',
    kind: 'template',
    label: { en: 'Salbutamol', ta: 'சால்பியூட்டமால்', hi: 'सालब्यूटामोल' },
    medication: {
      en: 'Salbutamol 100 micrograms inhaler',
      ta: 'Salbutamol 100 மைக்ரோகிராம் இன்ஹேலர்',
      hi: 'Salbutamol 100 माइक्रोग्राम इनहेलर',
    },
    codes: atc('R03AC02'),
    dose: {
      amount: 2,
      unit: '{puff}',
      frequency: 4,
      period: 1,
      periodUnit: 'd',
      asNeeded: true,
      route: '447694001',
    },
    notes: {
      en: 'Shake well and use with a spacer if possible.\nSeek help if relief lasts less than 3 hours.',
      ta: 'நன்றாகக் குலுக்கி, முடிந்தால் ஸ்பேசருடன் பயன்படுத்தவும்.\nநிவாரணம் 3 மணி நேரத்துக்குக் குறைவாக நீடித்தால் உதவி பெறவும்.',
      hi: 'अच्छी तरह हिलाएँ और हो सके तो स्पेसर के साथ लें।\nआराम 3 घंटे से कम रहे तो मदद लें।',
    },
  },
  {
    id: 'prednisone',
    kind: 'template',
    label: { en: 'Prednisone', ta: 'ப்ரெட்னிசோன்', hi: 'प्रेडनिसोन' },
    medication: {
      en: 'Prednisone 20 mg tablets',
      ta: 'Prednisone 20 mg மாத்திரை',
      hi: 'Prednisone 20 mg टैबलेट',
    },
    codes: atc('H02AB07'),
    dose: {
      amount: 2,
      unit: '{tablet}',
      frequency: 1,
      period: 1,
      periodUnit: 'd',
      when: 'MORN',
      durationValue: 5,
      durationUnit: 'd',
      route: oral,
    },
    notes: {
      en: 'Take with food. Do not take longer than prescribed.\nBlood sugar may rise: check it if you have diabetes.',
      ta: 'சாப்பாட்டுடன் எடுக்கவும். எழுதிய நாட்களுக்கு மேல் எடுக்க வேண்டாம்.\nஇரத்தச் சர்க்கரை உயரலாம்: நீரிழிவு இருந்தால் பரிசோதிக்கவும்.',
      hi: 'खाने के साथ लें। लिखे गए समय से अधिक दिन न लें।\nब्लड शुगर बढ़ सकती है: डायबिटीज़ हो तो जाँचते रहें।',
    },
  },
  {
    id: 'cetirizine',
    kind: 'template',
    label: { en: 'Cetirizine', ta: 'செட்டிரிசின்', hi: 'सेटिरिज़िन' },
    medication: {
      en: 'Cetirizine 10 mg tablets',
      ta: 'Cetirizine 10 mg மாத்திரை',
      hi: 'Cetirizine 10 mg टैबलेट',
    },
    codes: atc('R06AE07'),
    dose: {
      amount: 1,
      unit: '{tablet}',
      frequency: 1,
      period: 1,
      periodUnit: 'd',
      when: 'EVE',
      durationValue: 7,
      durationUnit: 'd',
      route: oral,
    },
    notes: {
      en: 'May cause drowsiness: do not drive if affected.',
      ta: 'தூக்கக் கலக்கம் வரலாம்: அப்படி இருந்தால் வாகனம் ஓட்ட வேண்டாம்.',
      hi: 'नींद आ सकती है: ऐसा हो तो गाड़ी न चलाएँ।',
    },
  },
];
