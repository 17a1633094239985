import type { Keywords } from '../topics.ts';

const model = 'एआई|ए_आई|कृत्रिम|बुद्धिमत्ता|मॉडल|मॉडल्स|कंप्यूटर|कम्प्यूटर|एल्गोरिदम|एल्गोरिथम|रोबोट|ai|model';
const scan =
  'स्कैन|तस्वीर|तस्वीरें|फोटो|चित्र|छवि|फाइल|फाइलें|एक्सरे|एक्स-रे|सीडी|इमेज|scan|tasveer|tasvir|photo|file|files|xray|x-ray|cd|image|images|picture';
const send = 'भेज*|डाल*|चढ़ा*|अपलोड*|जमा|लगा*|bhej*|daal*|dal|dale|dalu|dalna|chadha*|jama|upload*';
const report = 'रिपोर्ट|रिपोर्ट्स|परिणाम*|नतीजा|नतीजे|report|reports|result|results|pdf|natija';
const staff =
  'डॉक्टर|डाक्टर|नर्स|फार्मासिस्ट|स्टाफ|कर्मचारी|यूजर|उपयोगकर्ता|एडमिन|सहकर्मी|doctor|nurse|pharmacist|staff|user|admin';

/** Hindi, as it is written and as it is typed in Latin letters. */
export const keywords: Keywords = {
  ct: { 3: 'सीटी|सी_टी|सिटी_स्कैन|कैट_स्कैन', 1: 'फर्क|अंतर|fark|farak|antar' },
  mri: {
    6: 'एमआरआई|सीटी|एक्सरे|एक्स-रे|अल्ट्रासाउंड|mri|ct|xray|x-ray|ultrasound+कितनी_देर|कितना_समय|कितना_टाइम|kitna_time|kitni_der|kitna_samay!रिपोर्ट|report|नतीजा|अपलोड',
    3: 'एमआरआई|एम_आर_आई|एमआरआइ',
    2: 'चुंबक|आवाज|शोर|shor',
  },
  xray: { 3: 'एक्सरे|एक्स-रे|एक्स_रे|एक्सरेज' },
  ultrasound: {
    3: 'अल्ट्रासाउंड*|अल्ट्रासाउन्ड|सोनोग्राफी|मैमोग्राम*|मैमोग्राफी|इको|ईसीजी|डॉपलर|एंडोस्कोपी|बायोप्सी|पेट_स्कैन|सोनोग्राफ*|sonography',
  },
  radiation: {
    4: 'विकिरण|रेडिएशन|किरण*|रेडियेशन',
    2: 'सुरक्षित|सेफ|surakshit|safe खतरा|खतरनाक|जोखिम|khatra|khatarnak नुकसान*|हानिकारक|nuksan*|साइड_इफेक्ट*',
  },
  preparation: {
    1: 'खाना|खा|खाकर|खाने|khana|kha|khake पानी|पीना|पी|pani|paani',
    4: 'पहले|pehle|pahle+स्कैन|जांच|टेस्ट|scan|test|एमआरआई|सीटी|अल्ट्रासाउंड|mri|ct|ultrasound!अपलोड|upload|भेज* गर्भ*|प्रेग्नेंसी|प्रेगनेंसी|प्रेग्नेंट|प्रेगनेंट|garbh*|pregnant|pregnancy|pet_se पेसमेकर|स्टेंट|pacemaker इंजेक्शन|सुई|injection|कॉन्ट्रास्ट|डाई खाली_पेट|भूखे_पेट|khali_pet|bhukhe धातु|मेटल|रॉड|प्लेट|स्क्रू|लोहा|स्टील|loha|इम्प्लांट गहने|ज़ेवर|जेवर|अंगूठी|झुमके|चेन|gehne|anguthi टैटू|बंद_जगह|घबराहट|क्लॉस्ट्रोफोबिया',
    2: 'तैयारी|tayari|taiyari एलर्जी|allergy दर्द|dard कपड़े|पहन*|उतार*|kapde|pehan*|utar* पहले|pehle गुर्दे|किडनी|kidney दूध_पिला*|बच्चे|बच्चों|bachche',
  },
  pneumonia: {
    3: 'निमोनिया|न्यूमोनिया|nimonia|nimoniya|निमोनिआ फेफड़*|phephd*|fefd*|phephad*',
    2: 'संक्रमण|इन्फेक्शन|infection|sankraman खांसी|khansi|khaansi बुखार|bukhar|कफ|बलगम',
  },
  conditions: {
    3: 'टीबी|क्षयरोग|तपेदिक|क्षय कैंसर|कैन्सर|ट्यूमर|गांठ|रसौली|gaanth|ganth|gath फ्रैक्चर|फ्रेक्चर|टूटी_हड्डी|मोच अस्थमा|दमा बीमारी|बीमारियां|बीमारियाँ|रोग|bimari|bimariyan|beemari पथरी|pathri|स्टोन हर्निया|गठिया|साइटिका|डायबिटीज|शुगर|मधुमेह|sugar कोविड|कोरोना|डेंगू|मलेरिया|टाइफाइड|पीलिया फेफड़ों_में_पानी|इफ्यूजन लिगामेंट|अल्सर|सूजन|माइग्रेन|थायराइड|बीपी',
    2: 'हड्डी|हड्डियां|हड्डियाँ|haddi|haddiyan टूटी|टूट*|tooti|tuti इलाज|उपचार|ilaj|ilaaj लक्षण|lakshan दिल|हृदय|दिमाग|किडनी|लिवर|घुटने|घुटना|कमर|रीढ़|पेट|dil|dimag|ghutne|kamar|pet ठीक_हो|thik_ho|फैल*|छूत|fail_ti दर्द|dard',
  },
  secondFactor: {
    4: 'कारक|दो-कारक|दूसरा_कारक प्रमाणीकरण|प्रमाणक टू-फैक्टर|टू_फैक्टर|टूफैक्टर|दो_चरण*|टू_स्टेप|two_factor|मल्टी-फैक्टर|2एफए ऑथेंटिकेटर*|ऑथेंटिकेशन|पासकी|सिक्योरिटी_की|रिकवरी_कोड|बैकअप_कोड',
    2: 'फिंगरप्रिंट|अंगूठा|अंगूठे|उंगली|सेट क्यूआर|चालू|लगाना',
  },
  users: {
    6: `रोल|भूमिका|अधिकार|अनुमति|परमिशन|bhumika+बदल*|दे|दें|देना|दूं|दूँ|हटा*|बना*|badal*|de|dena|du|hata*|bana*
      नया|नए|नई|naya|naye|nayi+${staff}!बीमारी|कोड|code|मरीज
      ${staff}+जोड़*|हटा*|निकाल*|आमंत्रित|बंद_कर*|ब्लॉक|बना*|jod*|hata*|nikal*|add|invite|block|disable|delete!रिपोर्ट|report|लिंक|link|शेयर|share|फोटो|photo`,
    4: 'मरीज+रजिस्ट्रेशन|पंजीकरण उपयोगकर्ता*|यूजर*|यूज़र* आमंत्रित|आमंत्रण|इनवाइट|निमंत्रण|न्योता भूमिका|रोल|अनुमति|परमिशन कर्मचारी|कर्मचारियों',
    2: 'जोड़*|jod* अधिकार|अधिकारों स्टाफ सहकर्मी|नर्स',
  },
  audit: {
    4: `ऑडिट|आडिट|ऑडिट_लॉग|लेखापरीक्षा|लेखा_परीक्षा|गोपनीयता|प्राइवेसी|निजता
      किसने|किस-किसने|कौन_कौन|kisne|kis_ne+देख*|खोल*|एक्सेस|पढ़*|बदल*|dekh*|khol*|access|padh*|badl*`,
    2: 'लॉग ट्रेल|हिस्ट्री_लॉग एक्सपोर्ट|निर्यात',
  },
  deliveries: {
    4: 'डिलीवरी*|डिलिवरी*|प्रेषण|आउटबॉक्स|delivery|deliveries मेल|ईमेल|ई-मेल|मैसेज|एसएमएस|mail|mails|email|emails+फेल|विफल|नहीं_गए|नहीं_गया|नहीं_गई|नहीं_पहुंच*|दोबारा|फिर_से|अटक*|बाउंस|fail|nahi_gaya|nahi_gayi|nahi_pahunch*|dobara|phir_se|bounce!कोड|code|otp|पासवर्ड|password|ओटीपी',
    2: 'दोबारा|dobara',
  },
  models: {
    6: `मॉडल|model|एआई|ai+वर्जन|वर्ज़न|संस्करण|version|एक्टिवेट|सक्रिय|चालू|इंस्टॉल|लागू|activate|install|chalu|chaalu|deploy|enable|switch
      नया_मॉडल|नए_मॉडल|naya_model|naye_model|मॉडल_बदल*|model_badal*|मॉडल_हटा*|मॉडल_जोड़*|naya_ai_model|नया_एआई_मॉडल`,
    2: 'संस्करण',
  },
  templates: {
    6: 'टेम्पलेट*|टेंपलेट*|टेम्प्लेट*|template*|नमूना+बना*|बदल*|एडिट|संपादित|जोड़*|हटा*|नया|bana*|badal*|edit|jod*|hata*|naya|change दवा_तालिका|दवाओं_की_तालिका|दवा_टेबल',
    4: 'टेम्पलेट*|टेंपलेट*|टेम्प्लेट* लेटरहेड',
  },
  health: {
    6: 'सिस्टम|सर्वर|system|server+हेल्थ|स्वास्थ्य|स्थिति|हाल|चल_रहा|चल_रही|ठीक|डाउन|स्टेटस|health|status|chal_raha|theek|thik|down|haal',
    4: 'बैकअप|backup सर्वर|सिस्टम_हेल्थ|डिस्क|मेमोरी|डेटाबेस|डाउनटाइम|मॉनिटर*',
    2: 'सिस्टम हेल्थ',
  },
  system: {
    6: 'क्लाइंट*|client|clients+जोड़*|रजिस्टर|नया|सीक्रेट|jod*|register|naya|secret',
    4: 'सेटिंग*|सेट-अप|सेटअप लोगो|logo क्लाइंट*|एपीआई|पैक्स|ईएमआर जोड़+सिस्टम साइट_का_नाम|अस्पताल_का_नाम|साइट+नाम|बदल* सर्टिफिकेट|प्रमाणपत्र|साइनिंग_की*|कॉन्फ़िगर*|कॉन्फिगर*',
    2: 'सिस्टम|प्रशासन|एडमिन_पेज|एडमिन_पैनल',
  },
  password: {
    4: 'पासवर्ड|पासवर्ड्स|पास_वर्ड|पासकोड|कूटशब्द|password',
    2: 'भूल*|याद_नहीं|bhool*|bhul*|yaad_nahi रीसेट|reset गलत+पासवर्ड|password बदल*+पासवर्ड|password',
  },
  code: {
    4: 'कोड|ओटीपी|वेरिफिकेशन|ओ_टी_पी|otp',
    2: 'आया|नहीं_आया|नहीं_मिला|नहीं_आ|aaya|aya|nahi_aaya|nahi_aya|nahi_mila दोबारा|एक्सपायर|समाप्त|spam|स्पैम',
  },
  register: {
    4: `पंजीकरण|पंजीकृत|रजिस्टर*|रजिस्ट्रेशन|साइन_अप|साइनअप|panjikaran
      नया|नई|naya|nayi|बना*|खोल*|bana*|khol*+खाता|अकाउंट|एकाउंट|आईडी|khata|account|id!बंद|लॉक`,
    2: 'जुड़*',
  },
  lostFactor: {
    6: `ऑथेंटिकेटर*|authenticator*|2fa|पासकी|passkey|दूसरा_कारक|टू_फैक्टर+लॉगिन|लॉग_इन|साइन_इन|अंदर|login|log_in|sign_in|andar!सेट|चालू|set
      फोन|मोबाइल|phone|mobile+खो*|चोरी|बदल*|टूट*|गुम|kho*|chori|badal*|tut*|toot*|gum+ऑथेंटिकेटर*|authenticator*|कोड|code|login|लॉगिन`,
  },
  signIn: {
    6: 'लॉगिन|लॉग_इन|लॉगइन|साइन_इन|login|log_in+नहीं|नही|फेल|nahi|nahin|nhi|fail',
    4: 'लॉगआउट|logout|अकाउंट_बंद|अकाउंट_डिलीट लॉगिन|लॉग_इन|लॉगइन|साइन_इन|प्रवेश|लोगिन लॉग_आउट|लॉगआउट|साइन_आउट|साइनआउट|बाहर_निकल*|बाहर_कर|logout_kar*|bahar_nikal* खाता|खाते|अकाउंट|एकाउंट|khata|khaate सत्र|सेशन प्रोफाइल|प्रोफ़ाइल|यूजरनेम ईमेल|नंबर|फोन_नंबर|पता|नाम|email|mobile_number+बदल*|badal*',
    2: 'बंद|लॉक|ब्लॉक|lock|block|band डिवाइस|उपकरण|बार_बार|baar_baar',
  },
  confidence: {
    4: 'स्कोर|score|percent विश्वास|आत्मविश्वास|कॉन्फिडेंस|कॉन्फ़िडेंस|कांफिडेंस|विश्वसनीयता|vishwas प्रतिशत|परसेंट|फीसदी|pratishat अनिश्चित*|संदिग्ध संभावना|स्कोर|सीमा|थ्रेशोल्ड कितना_पक्का|कितने_पक्के|पक्का',
    2: 'कम|ज्यादा',
  },
  aiFailure: {
    6: `${model}+फेल|विफल|असफल|नहीं_चल*|नहीं_चला|क्यों_नहीं|नहीं_किया|नहीं_देख*|नहीं_दिया|नहीं_दे|रुक*|अटक*|एरर|दोबारा|fail|nahi_chal*|nahi_chala|kyu_nahi|kyun_nahi|kyon_nahi|nahi_kiya|nahi_dekh*|nahi_diya|ruk*|atak*|error|dobara!नया|naya`,
    4: 'विश्लेषण|एनालिसिस|vishleshan',
  },
  ai: {
    4: `${model} अनुमान|पूर्वानुमान|भविष्यवाणी|प्रेडिक्शन हीटमैप|हीट_मैप मशीन+गलत*|सही|फैसला|पढ़*|बता*|देख*|रंग ट्रेन|ट्रेनिंग|प्रशिक्षण|प्रशिक्षित|train|सिखा*`,
    2: 'तय_कर*|tay_kar* सटीक*|एक्यूरेट|sateek|satik|accurate|sahi|सही गलती|गलतियां|गलतियाँ|galti पहचान*|पकड़*|pehchan*|pakad* भरोसा|यकीन|bharosa|yakeen मशीन|machine फैसला|निर्णय|faisla|सुझाव+एआई',
  },
  emergencyAccess: {
    6: `आपातकालीन_पहुंच|आपातकालीन_एक्सेस|इमरजेंसी_एक्सेस|ब्रेक_ग्लास|आपात_पहुंच|emergency_access
      इमरजेंसी|आपातकाल*|आपात|emergency|तुरंत|turant+रिकॉर्ड|फाइल|एक्सेस|record|access|khol*`,
    2: 'रिकॉर्ड+लॉक|बंद|नहीं_खुल*|अनुमति',
  },
  prescribe: {
    4: 'पर्चा|पर्ची|पर्चे|नुस्खा|नुस्खे|प्रिस्क्रिप्शन|parcha|parchi|nuskha फार्मासिस्ट|फार्मेसी|औषधि*|pharmacist दवा|दवाई|दवाइयां|दवाइयाँ|दवाएं|दवाओं|दवाई*|dawa|dawai|dava|davai|dawaai|dawaiyan',
    2: 'खुराक|गोली|डोज',
  },
  approve: {
    4: 'मंजूरी|मंजूर*|स्वीकृति|स्वीकृत|अनुमोदन|अनुमोदित|अप्रूव*|अप्रूवल|manjoori|manjuri|manzoori|approve जारी|रिलीज|jaari|jari|release वापस+भेज*|bhej*',
    2: 'व्यवस्थापक|एडमिन|admin अंतिम',
  },
  verify: {
    4: 'नोट|टिप्पणी|note+लिख*|likh*|डाल* claim|क्लेम सत्यापित|सत्यापन|वेरिफाई|वेरीफाई|satyapit|satyapan कार्यसूची|कार्य_सूची|वर्कलिस्ट|वर्क_लिस्ट verify_kar*|डॉक्टर+जांच केस+क्लेम|ले|छोड़*|वापस|दूसरा|claim|chhod*|chod*|wapas क्लेम|दावा|claim अस्वीकार|रिजेक्ट|reject संशोधन|संशोधित|सुधार*+रिपोर्ट|रीडिंग',
    2: 'जांच|jaanch|janch केस|case टिप्पणी|नोट|तत्काल|अर्जेंट|प्राथमिकता|urgent',
  },
  waiting: {
    4: `डॉक्टर|doctor+देखा|देखेंगे|देखी|dekha|dekhenge|dekhi तैयार_कब|कब_होगा|kab_hoga लंबित|पेंडिंग|pending इंतजार|इन्तजार|प्रतीक्षा|वेटिंग|intezar|intzar|intezaar|intjar स्थिति|स्टेटस|sthiti|status कतार|लाइन_में|अटका|अटकी|रुका|atka|atki
      कितनी_देर|कितना_समय|कितना_टाइम|कितने_दिन|कब_तक|कितने_घंटे|kitni_der|kitna_time|kitna_samay|kitne_din|kab_tak|kitne_ghante`,
    2: 'कब|kab दिन_हो|घंटे_हो|din_ho|अभी_तक|abhi_tak|देर|der देख*|dekh*|जांच*+डॉक्टर|doctor|dr',
  },
  steps: {
    4: `किसके_पास|kiske_paas|किसकी_बारी|kiski_bari|kahan_tak|कहां_तक चरण|चरणों|स्टेप|स्टेप्स|step|steps|charan अगला|अगले|agla|agle प्रक्रिया|प्रोसेस|prakriya|process आगे_क्या|बाद_क्या|फिर_क्या|aage_kya|baad_kya|phir_kya|क्या_होगा|kya_hoga|आगे बाद|baad+क्या_हो*|kya_ho*
      कौन|kaun|kon+देख*|जांच*|पढ़*|जांचता|चेक|dekh*|jaanch*|janch*|padh*|check`,
    2: 'बाद|baad|bad_me काम|kaam पहले_कौन|शुरू|अंत',
  },
  shareReport: {
    6: 'लिंक|link+शेयर|साझा|बंद|रद्द|कैंसल|हटा*|कोड|वैध|एक्सपायर|कितने_दिन|share|band|radd|cancel|hata*|code|expire',
    4: `साझा|शेयर|share|बांट*|sanjha
      भेज*|दिखा*|दे|देना|bhej*|dikha*|de|dena+${report}+डॉक्टर|दोस्त|परिवार|पत्नी|पति|बेटा|बेटे|किसी|फैमिली|रिश्तेदार|doctor|family|kisi|wife|husband`,
    2: 'दूसरे+डॉक्टर|doctor लिंक|link',
  },
  abnormal: {
    4: 'असामान्य|एबनॉर्मल|asamanya|asamany सामान्य|नॉर्मल|samanya|normal निदान|निष्कर्ष|इम्प्रेशन|फाइंडिंग*|nishkarsh|nidan',
    2: 'मतलब|अर्थ|matlab|arth|mtlb चिंता|chinta|गंभीर',
  },
  report: {
    4: `${report} पीडीएफ|पी_डी_एफ`,
    2: 'लिखा|likha तैयार|taiyar ready डाउनलोड|download समझ*|samajh*|samjh* जांच प्रिंट|छाप*|कॉपी|print मिलेगी|मिलेगा|मिल|आएगी|milegi|milega|aayegi|ayegi हिंदी|हिन्दी|अंग्रेजी|hindi|बीमा',
  },
  viewer: {
    4: `ज़ूम|जूम|zoom बड़ा_कैसे|बड़ा_कर*|बड़ी_कर*|छोटा_कर*|bada_kar*|badi_kar* चमक|ब्राइटनेस|कंट्रास्ट|कॉन्ट्रास्ट+तस्वीर|चित्र|इमेज माप*|नापना|नाप|घुमा*|उल्टा|व्यूअर|व्यूवर|स्क्रॉल|फुल_स्क्रीन
      बड़ा|बड़ी|bada|badi+तस्वीर|चित्र|इमेज|tasveer|image तुलना|तुलना_कर*`,
    2: 'धुंधली|धुंधला|dhundhla|dhundhli|साफ_नहीं स्लाइस',
  },
  formats: {
    4: 'फाइल|फाइलें|फाइलों|फाईल*|फ़ाइल|file|files प्रारूप|फॉर्मेट|फार्मेट|फॉरमेट|format जेपीजी|पीएनजी|डाइकॉम|डायकॉम|ज़िप|जिप|एमबी|जीबी साइज|साइज़|size',
    2: 'आकार बड़ी|बड़ा|badi सीमा|लिमिट किस_तरह|टाइप',
  },
  upload: {
    4: `अपलोड|upload_kar*|upload फोटो|फ़ोटो|photo|सेल्फी ${send}+${scan}
      गलत|galat+${scan} हटा*|मिटा*|डिलीट|hata*|mita*|delete+${scan} रुक|अटक|फेल|बीच_में|ruk|atak|fail|beech_me+अपलोड|upload`,
    2: 'भेज*|bhej* डाल*|dal|daal|dalu|dale कैमरा|सीडी|पेनड्राइव गलती_से|galti_se',
  },
  images: {
    4: 'पुराने|पुरानी|पुराना|पिछले|पिछली|purane|purani|purana|pichle|pichli तस्वीर|तस्वीरें|तस्वीरों|चित्र*|छवि*|इमेज|tasveer|tasvir|tasveeren मेरे_स्कैन|मेरा_स्कैन|mere_scan|mera_scan हिस्ट्री|इतिहास अध्ययन',
    2: 'स्कैन*',
  },
  problem: {
    4: `कुछ_नहीं_हो*|kuch_nahi_ho*|नहीं_हो_रहा+पेज|बटन|ऐप समस्या|गड़बड़*|त्रुटि|दिक्कत*|परेशानी|खराबी|खराब|बग|एरर|gadbad*|garbad*|samasya|dikkat|pareshani|kharab|kharabi
      नहीं_खुल*|काम_नहीं|नहीं_चल*|नहीं_दिख*|खुल_नहीं|चल_नहीं|लोड_नहीं|nahi_khul*|kaam_nahi|nahi_chal*|khul_nahi|chal_nahi|load_nahi|khulta_nahi हैंग|क्रैश|फ्रीज|अटक_जाता|hang|crash|धीमा|धीमी|स्लो|dheema|dheemi|slow नोटिफिकेशन|सूचना_नहीं`,
    2: 'पेज|पन्ना|page ऐप|एप|app|वेबसाइट|साइट|website|बटन|button|स्क्रीन',
  },
  feedback: {
    4: 'शिकायत*|shikayat*|shikayt सुझाव|sujhav|sujhaav प्रतिक्रिया|फीडबैक|फ़ीडबैक|राय|तारीफ|बेहतर_बना*|नाखुश',
    2: 'खराब_सेवा|सेवा',
  },
  keys: { 4: 'कीबोर्ड|की-बोर्ड|शॉर्टकट*|भाषा|थीम|डार्क_मोड|फॉन्ट|अक्षर_बड़े|bhasha|shortcut', 2: 'मोड' },
  contact: {
    4: `कहां_है|कहाँ_है|kahan_hai+अस्पताल|हॉस्पिटल|क्लिनिक|hospital कैसे_इस्तेमाल|kaise_use संपर्क|सम्पर्क|sampark|कॉन्टैक्ट|कांटेक्ट मदद|सहायता|हेल्प|madad|sahayata|sahayta पता|ठिकाना|address!पता_चल*|पता_कर* फोन_नंबर|टेलीफोन|फ़ोन_नंबर|मोबाइल_नंबर|हेल्पलाइन|हेल्पडेस्क|कस्टमर_केयर|टोल_फ्री|रिसेप्शन|helpline|customer_care
      बात|baat|कॉल|call+कर*|इंसान|किससे|किसी|आदमी|डॉक्टर_से|kar*|insaan|insan|kisse|kisi|aadmi इंसान|व्यक्ति+से किसको_बता*|किसे_बता*|किससे_पूछ*|kisko_bata*|kisse_puch* अपॉइंटमेंट|अपॉइन्टमेंट|समय+खुल* गाइड|मैनुअल|निर्देश`,
    2: 'नंबर|number फोन|phone बात|baat अस्पताल+कहां|कहाँ|कब|kahan|kab बताऊं|बताऊँ|bataun|batau',
  },
  greeting: {
    1: 'नमस्ते|नमस्कार|प्रणाम|राम_राम|जय_हिंद|सलाम|आदाब|हेलो|हैलो|हाय|हलो सुप्रभात|शुभ_प्रभात|शुभ_संध्या|शुभ_रात्रि|गुड_मॉर्निंग namaste|namaskar|namastey|pranam|namaskaar कैसे_हो|कैसे_हैं|कैसी_हो|kaise_ho|kaise_hain|kaise_hai_aap|kya_haal|क्या_हाल आप_कौन|तुम_कौन|aap_kaun|tum_kaun|aapka_naam|आपका_नाम',
  },
  thanks: {
    1: 'थैंक्स_जी|धन्यवाद_जी धन्यवाद|शुक्रिया|थैंक्स|थैंक्यू|थैंक_यू|आभार|मेहरबानी|dhanyavad|dhanyawad|dhanyavaad|shukriya|shukria|meherbani अलविदा|बाय|फिर_मिल*|चलता_हूं|चलती_हूं|alvida|phir_mil*|fir_mil*|chalta_hu|milte_hain|अच्छा|ठीक_है|theek_hai|thik_hai|accha|achha',
  },
};
