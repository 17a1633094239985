import type { RedFlags } from '../topics.ts';

const cannot =
  'முடிய*|முடில*|இல்ல*|திணற*|கஷ்ட*|சிரம*|தடை*|வரவில்லை|வரல*|வரமா*|அடைக்க*|அடைப்ப*|நின்ன*|நின்று*|நின்ற*|வாங்க*|இழுக்க*|இரைக்க*|இரைப்ப*|mudiya*|mudila*|mudiyala*|illa*|kashtam*|kastam*|siramam*|thinar*|varala*|varalla|varamaten*|adaik*|adaikk*|ninn*|vaangu*|vangu*|izhukk*|iraik*';
const chemical =
  'விஷ*|பினாயில்*|ஃபினாயில்*|பெனாயில்*|ஆசிட்*|அமில*|பூச்சி_மருந்த*|பூச்சிக்கொல்லி*|பூச்சிமருந்த*|மண்ணெண்ணெய்*|மண்ணெண்ண*|பெட்ரோல்*|எலி_மருந்த*|எலிமருந்த*|ஹார்பிக்*|டெட்டால்*|ப்ளீச்*|பேட்டரி*|சாணிப்பவுடர்*|சாணி_பவுடர்*|visham*|vesham|phenyl|phenoil|acid|poochi_marundhu|poochi_marunthu|kerosene|mannennai|petrol|eli_marundhu|eli_marunthu|harpic|dettol|bleach|battery';

/** Signs of danger in Tamil, as it is written, spoken and typed in Latin letters. */
export const redFlags: RedFlags = {
  emergency: `
    நெஞ்ச*|மார்ப*|இதய*|nenju*|nenj*|maarbu*|marbu*|chest|idhayam* + வலி*|வலிக்க*|இறுக்க*|இறுக்கி*|அழுத்த*|எரிச்சல்*|எரியு*|பாரம*|கனமா*|குத்து*|அடைக்க*|vali|valiku*|valikk*|valikkuthu|valikudhu|irukkam*|irukk*m|erichal*|eriyu*|baaram*|baramaa|kuthu*|adaik*|pain
    நெஞ்சுவலி* | மாரடைப்ப* | ஹார்ட்_அட்டாக்* | ஹார்ட்அட்டாக்* | maaradaip* | maradaip* | maradaippu | heart_attack | மூச்சுத்திணற* | மூச்சு_திணற* | பக்கவாத* | pakkavatham* | pakkavadham* | ஸ்ட்ரோக்* | வலிப்ப* | valippu* | vallippu | காக்கா_வலிப்ப* | ஜன்னி
    விஷம் | விஷத்த* | visham*
    மூச்ச*|சுவாச*|moochu*|muchu*|moochi*|mochu*|swasam*|breath + ${cannot}
    ரத்த*|இரத்த*|ratham*|raththam*|ratha*|rathama|blood + இரும*|வாந்தி*|வாந்த*|நிற்க*|நிக்க*|நின்னு*|அதிக*|நிறைய*|ரொம்ப*|கொட்டு*|வழியு*|போகுது|போகிறது|போகுத*|துப்ப*|iruma*|irumal*|vanthi*|vandhi*|vaandhi*|vomit*|nikka*|nirkk*|adhigam*|niraya*|niraiya*|romba|kottu*|pogudhu|poguthu|pogut* ! பரிசோதனை*|டெஸ்ட்*|test|அழுத்தம்
    ரத்தப்போக்க* | இரத்தப்போக்க* | ரத்தப்_போக்க* | இரத்தப்_போக்க* | bleeding | ரத்தக்கசிவ*
    கர்ப்ப*|மாசமா*|pregnant|karbam*|garbam* + ரத்த*|இரத்த*|ratham*|bleeding|மயங்கி*|கடுமையான
    பனிக்குட* | பிரசவ_வலி* | பிரசவவலி*
    மயங்கி* | மயக்கம்|மயக்கமா*|மயக்கத்த*|mayangi* | mayakkam* ! ஊசி*|மருந்து
    நினைவ*|சுயநினைவ*|உணர்வ*|ninaivu*|suyaninaivu|unarvu* + இல்ல*|இழந்த*|போச்ச*|போய்*|தப்பி*|illa*|izhandh*|pochu|poiduchu
    எழுப்ப*|எழும்ப*|எழுந்திருக்க*|கண்|கண்ணு|கண்ணை|கண்ணைத்|ezhupp*|ezhundh*|kannu + முடிய*|இல்ல*|எழுந்திருக்கல*|திறக்கல*|திறக்கவில்லை|mudiyala*|thirakkala*|ezhundhirukkala*
    கை*|கால்*|காலு*|முக*|பேச்ச*|உடம்ப*|உடல்*|வாய்*|வாயு*|பாதி_உடல்*|kai|kaal|mugam|pechu|udambu|vaai|vaay|vai + திடீர*|செயல்பட*|செயலிழ*|மரத்த*|மரத்து*|கோண*|குழற*|இழுத்த*|இழுக்க*|அசைக்க*|வரல*|thideer*|marath*|maratth*|koni*|kona*|kozharu*|kularu*|izhuth*|asaikk* ! கைரேகை*|முகவரி*|முகப்ப*|வாய்ப்ப*|காலாவதி*
    பேச|பேசவே|pesa|pesave + முடியல*|முடியவில்லை|mudiyala*|mudila* + திடீர*|வாய்*|முக*|கை*|thideer*|vaai|mugam|kai
    திடீர*|thideer*|thidir* + தலைவலி*|பார்வை*|கண்ணு|மயக்க*|விழுந்த*|thalaivali*|parvai*|vizhundh*|vilund*
    தலைவலி*|thalaivali* + தாங்க*|கடுமையான|பயங்கர*|வாந்தி*|thaanga*|bayangara*
    தாங்க|thaanga + முடியாத|முடியல*|mudiyala*|mudiyadha + வலி*|vali
    வாய்*|உதட*|முக*|நக*|குழந்தை*|udhadu|mugam|kuzhandhai + நீலமா*|நீலம*|நீல_நிற*|நுரை*|neelam*|nurai*
    தொண்டை*|நாக்க*|நாக்கு*|உதட*|thondai*|naakku|udhadu + வீங்க*|வீக்க*|அடைக்க*|அடைப்ப*|சிக்கி*|இறுக*|veeng*|veekk*|adaik*|sikki*|sikk*
    அலர்ஜி*|ஒவ்வாமை*|allergy + வீங்க*|மூச்ச*|கடுமையான|அதிக*|veeng*|moochu*
    குடித்த*|குடிச்ச*|குடிச்சு*|சாப்பிட்ட*|விழுங்கி*|முழுங்கி*|kudich*|kuditch*|kudichitt*|saaptu*|saapt*|sapt*|vizhung*|muzhung*|mulung* + ${chemical}
    விழுங்கி* | முழுங்கி* | vizhungi* | muzhungi* | mulungi*
    மாத்திரை*|தூக்க_மாத்திரை*|maathirai*|mathirai*|mathira|tablet*|maathira + நிறைய*|அதிக*|எல்லா*|பத்து|முழு*|niraya*|niraiya*|adhigam*|ella*|full|motham + சாப்பிட்ட*|போட்ட*|விழுங்க*|முழுங்க*|எடுத்த*|saapt*|sapt*|pott*|saaptu*|eduth*
    ஓவர்டோஸ்* | overdose
    பாம்ப*|தேள்*|pambu*|paambu*|thel + கடி*|கொட்ட*|kadi*|kott*
    தலை*|மண்டை*|thala|thalai*|mandai + அடிப*|அடிபட்ட*|உடை*|காயம்*|adipat*|udanj* + ரத்த*|மயங்கி*|வாந்தி*|ratham*|mayang*|vaandhi*
    விபத்த*|ஆக்ஸிடென்ட்*|ஆக்சிடென்ட்*|vibathu*|accident + ஆச்ச*|ஆகி*|அடிபட்ட*|ரத்த*|காயம்*|நடந்த*|aachu|aagi*|adipat*|ratham*
    கரண்ட்*|ஷாக்*|current|shock + அடிச்ச*|அடித்த*|adich*
    தீ|தீக்காய*|நெருப்ப*|கொதிக்க*|thee|neruppu + பட்ட*|காயம்*|பிடிச்ச*|pattu*|pudich*
    தண்ணி*|தண்ணீரில்|thanni* + மூழ்கி*|moozhgi*|muzhgi*
    ஆம்புலன்ஸ்* | சாகப்_போற* | செத்துடுவ* | உயிருக்கு_ஆபத்த* | uyirukku_aabath* | உயிர்_போகுத* | uyir_pog*
  `,
  crisis: `
    தற்கொலை* | tharkolai* | thatkolai* | tharkola* | suicide | சூசைட்*
    வாழ*|உயிரோட*|உயிர்_வாழ*|வாழ்க்கை*|vaazha*|vazha*|vaala|uyiroda*|vazhkai*|vaazhkai* + பிடிக்க*|பிடிக்கல*|விரும்பவில்லை|விருப்ப*|வேண்டாம்|வேணாம்|அர்த்தம்_இல்ல*|வெறுத்த*|வெறுப்ப*|முடியல*|pidikala*|pidikkala*|pudikala*|pudikkala*|venam|vendam|veruth*|veruppu*|mudiyala*
    சாக*|செத்து*|செத்த*|சாவ*|இறந்த*|மாய்த்து*|saaga*|saga|saganum|saagan*|sethu*|seththu* + வேண்டும்|வேணும்|தோன்ற*|தோணு*|தோணுது|விரும்ப*|போல|போயிட*|நினைக்க*|venum|thonuthu|thonudhu|thonu*|poidal*|pola|ninaik*|poiru*
    சாகணும் | சாகணும்னு | saaganum* | saganum*
    என்னை|உயிர|உயிரை|என்_உயிர*|ennai|ennaiye|uyira|uyirai + மாய்த்த*|மாய்ச்ச*|போக்க*|காயப்படுத்த*|விட்டுட*|விடப்_போ*|maaich*|maaych*|kaayapaduth*|vituda*|vidapo*
    தூக்க*|thooku*|thookku + மாட்ட*|தொங்க*|போட்ட*|maat*|thong* ! மாத்திரை*
    மணிக்கட்ட*|நரம்ப*|manikattu* + அறுத்த*|வெட்ட*|aruth*|vett*
  `,
  general: `
    என்றால்_என்ன|என்றால்|ன்னா_என்ன|னா_என்ன|அர்த்தம்|அறிகுறி*|காரணம்|காரணங்கள்|வித்தியாச*|தடுப்ப*|எப்படி_வரும்|எப்படி_வருகிறது|ஏன்_வருகிறது|எதனால்|na_enna|nna_enna|naa_enna|enna_artham|artham|arikuri*|kaaranam|epdi_varum|vithyasam*
    தெரியுமா|கண்டுபிடிக்க*|கண்டறிய*|பார்க்க_முடியுமா|காட்டுமா|எக்ஸ்ரேயில்|எக்ஸ்ரேல*|சிடியில்|எம்ஆர்ஐயில்|theriyuma|kandupidi*|kaatuma|xray_la|x-ray_la|ct_la|mri_la
    ஏஐ|ai|மாடல்*|model|எக்ஸ்ரே|xray|x-ray
  `,
  present: `
    எனக்கு|என்|எங்க_அப்பா|enakku|enaku|en|engal
    அப்பா*|அம்மா*|தாத்தா*|பாட்டி*|மனைவி*|கணவர*|மகன்*|மகள்*|அண்ண*|அக்கா*|தம்பி*|தங்கச்சி*|பையன்*|பொண்ண*|குழந்தைக்கு|appa*|amma*|thatha*|paati*|manaivi*|kanavar*|magan*|magal*|anna|akka|thambi*|payyan*|ponnu*|kuzhandhaiku|kolandhaiku|wife*|husband*
    இப்போ*|இப்ப|திடீர*|காலையிலிருந்து|காலைல*|நேற்று|நேத்து|உடனே|சீக்கிரம்|காப்பாத்து*|காப்பாற்று*|வந்துவிட்ட*|வந்துட்ட*|வருது|இருக்கு|போகுது|ippo*|ipo|thideer*|kaalaila*|nethu*|udane|seekiram*|kaapath*|vandhuchu|varudhu|varuthu|iruku|irukku
  `,
};
