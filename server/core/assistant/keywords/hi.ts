import type { Keywords, RedFlags } from '../topics.ts';

/** Hindi, as it is written and as it is typed in Latin letters. */
export const keywords: Keywords = {
  ct: { 4: 'सीटी सी_टी', 1: 'फर्क अंतर' },
  mri: { 4: 'एमआरआई एम_आर_आई' },
  xray: { 4: 'एक्सरे एक्स-रे' },
  ultrasound: { 4: 'अल्ट्रासाउंड सोनोग्राफी मैमोग्राम*' },
  radiation: { 4: 'विकिरण रेडिएशन', 2: 'सुरक्षित खतरा खतरनाक नुकसान khatra' },
  preparation: { 4: 'गर्भ* पेसमेकर इंजेक्शन garbh* pregnant', 2: 'खाली_पेट खाना तैयारी धातु' },
  pneumonia: { 4: 'निमोनिया न्यूमोनिया nimonia फेफड़* phephd*', 2: 'संक्रमण खांसी बुखार' },
  conditions: { 4: 'टीबी क्षयरोग तपेदिक कैंसर फ्रैक्चर अस्थमा दमा बीमारी रोग bimari', 2: 'हड्डी टूटी इलाज लक्षण दिल haddi ilaj' },
  secondFactor: { 4: 'कारक दो-कारक दूसरा_कारक प्रमाणीकरण टू-फैक्टर फिंगरप्रिंट अंगूठा', 2: 'सेट' },
  users: { 4: 'उपयोगकर्ता* यूजर* आमंत्रित आमंत्रण भूमिका कर्मचारी', 2: 'जोड़* अधिकार' },
  audit: { 4: 'ऑडिट लेखापरीक्षा किसने_देख* किसने+देख* kisne+dekh*', 2: 'लॉग' },
  deliveries: { 4: 'डिलीवरी प्रेषण' },
  models: { 4: 'नया_मॉडल' },
  system: { 4: 'सर्वर बैकअप सिस्टम सेटिंग*' },
  password: { 4: 'पासवर्ड', 2: 'भूल* bhool* bhul*' },
  code: { 4: 'कोड ओटीपी', 2: 'आया aaya nahi_aaya' },
  register: { 4: 'पंजीकरण पंजीकृत रजिस्टर* रजिस्ट्रेशन नया_खाता साइन_अप khata_banana' },
  signIn: { 4: 'लॉगिन लॉग_इन लॉग_आउट साइन_इन साइन_आउट खाता अकाउंट सत्र khata', 2: 'बंद' },
  confidence: { 4: 'विश्वास प्रतिशत अनिश्चित* संभावना आत्मविश्वास' },
  aiFailure: { 4: 'विश्लेषण' },
  ai: {
    4: 'एआई ए_आई कृत्रिम बुद्धिमत्ता मॉडल कंप्यूटर कम्प्यूटर अनुमान एल्गोरिदम भविष्यवाणी',
    2: 'सटीक* गलती पहचान* भरोसा bharosa',
  },
  emergencyAccess: { 4: 'आपातकालीन_पहुंच इमरजेंसी_एक्सेस' },
  prescribe: { 4: 'पर्चा पर्ची फार्मासिस्ट दवा* dawa* dava* davai*' },
  approve: { 4: 'मंजूरी मंजूर* स्वीकृति अनुमोदन', 2: 'व्यवस्थापक' },
  verify: { 4: 'सत्यापित सत्यापन कार्यसूची verify_kar* डॉक्टर+जांच', 2: 'जांच' },
  waiting: { 4: 'लंबित इंतजार प्रतीक्षा स्थिति कितनी_देर कितना_समय kitni_der kitna_time intezar intzar', 2: 'कब kab' },
  steps: { 4: 'चरण अगला प्रक्रिया आगे_क्या बाद_क्या agla aage_kya', 2: 'बाद' },
  shareReport: { 4: 'साझा शेयर share_kar*', 2: 'दूसरे+डॉक्टर' },
  abnormal: { 4: 'असामान्य सामान्य निदान निष्कर्ष', 2: 'मतलब matlab' },
  report: { 4: 'रिपोर्ट परिणाम* नतीज* पीडीएफ natija', 2: 'डाउनलोड समझ* जांच' },
  viewer: { 4: 'ज़ूम बड़ा_कैसे चमक मापना बड़ा+तस्वीर बड़ा+चित्र' },
  formats: { 4: 'फाइल* फाईल* प्रारूप', 2: 'आकार बड़ी' },
  upload: { 4: 'अपलोड फोटो upload_kar* photo', 2: 'भेज* bhej*' },
  images: { 4: 'पुराने पुरानी purane purani तस्वीर* चित्र* छवि*', 2: 'स्कैन*' },
  problem: { 4: 'समस्या गड़बड़ त्रुटि दिक्कत नहीं_खुल* काम_नहीं gadbad samasya dikkat', 2: 'पेज धीमा धीमी' },
  feedback: { 4: 'शिकायत सुझाव प्रतिक्रिया shikayat sujhav' },
  keys: { 4: 'कीबोर्ड शॉर्टकट भाषा' },
  contact: { 4: 'संपर्क सम्पर्क मदद सहायता पता फोन_नंबर टेलीफोन madad sampark', 2: 'नंबर फोन बात' },
  greeting: { 1: 'नमस्ते नमस्कार हेलो हैलो सुप्रभात शुभ_प्रभात शुभ_संध्या namaste namaskar kaise_ho' },
  thanks: { 1: 'धन्यवाद शुक्रिया अलविदा dhanyavad dhanyawad shukriya alvida' },
};

const not = 'नहीं|तकलीफ*|दिक्कत*|फूल*|रुक*|मुश्किल*|nahi|nahin|nai|takleef*|taklif*|dikkat*|phool*|phul*|ruk*';

export const redFlags: RedFlags = {
  emergency: `
    सीने|सीना|छाती|seene|sine|seena|chhati|chati|chaati + दर्द*|जकड़न|दबाव|भारी*|जलन|dard|jakdan|dabav|bhari
    सांस|श्वास|दम|saans|sans|saas|dam + ${not}|घुट*|ghut*
    दिल|dil + दौरा|दौरे|daura|attack
    हार्ट|heart + अटैक|attack
    दौरा|दौरे|daura + पड़*|आ|आया|pad*|aaya
    हार्टअटैक | बेहोश* | behosh* | लकवा | lakwa | मिर्गी | जहर | zeher | zahar
    खून|रक्त|khoon|khun + खांस*|उल्टी|बह*|khansi|khaansi|ulti|beh*
    अचानक|achanak + सुन्न|कमजोर*|सिरदर्द|sunn
    मुंह|चेहरा|muh|chehra + टेढ़*|tedha
  `,
  crisis: `
    आत्महत्या | aatmahatya | खुदकुशी | khudkushi
    जीना|जीने|jeena|jina + नहीं|nahi|nahin
    मरना|marna + चाहत*|chahta|chahti|hai
  `,
};
