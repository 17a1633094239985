import type { RedFlags } from '../topics.ts';

const cannot =
  'नहीं|नही|तकलीफ*|दिक्कत*|फूल*|रुक*|मुश्किल*|घुट*|अटक*|उखड़*|परेशानी|बंद|कम|nahi|nahin|nai|nhi|takleef*|taklif*|dikkat*|phool*|phul*|fool*|ruk*|mushkil*|ghut*|atak*|ukhad*|pareshani|band|problem';
const chemical =
  'जहर|फिनाइल|फिनायल|तेजाब|एसिड|कीटनाशक|हार्पिक|डेटॉल|मिट्टी_का_तेल|केरोसिन|पेट्रोल|चूहे_मार*|चूहामार|सल्फास|ब्लीच|साबुन|बैटरी|zeher|zahar|jahar|phenyl|phenyle|finyl|tezab|tejab|acid|keetnashak|harpic|dettol|kerosene|petrol|sulfas|bleach|battery';
const side = 'हाथ|पैर|पांव|बाजू|चेहरा|चेहरे|हिस्सा|शरीर|अंग|haath|hath|pair|paer|pav|baju|chehra|sharir|hissa';

/** Signs of danger in Hindi, as it is written and as it is typed in Latin letters. */
export const redFlags: RedFlags = {
  emergency: `
    सीने|सीना|छाती|दिल|seene|sine|seena|chhati|chati|chaati|chest|dil + दर्द*|जकड़न|दबाव|भारी*|जलन|चुभन|दुख*|टीस|dard|jakdan|dabav|dabaav|bhari*|jalan|dukh*|chubhan|pain
    सांस|सांसें|सांसे|श्वास|दम|saans|sans|saas|saanse|dam|dum|breath + ${cannot}
    दम|dum|dam + घुट*|ghut*
    दिल|dil|हार्ट|heart + दौरा|दौरे|अटैक|बंद|रुक*|daura|attack|band
    दौरा|दौरे|दौरें|daura|daure|मिर्गी|mirgi|जटके|झटके|jhatke + पड़*|आ|आया|आए|आ_रह*|आते|pad*|aaya|aa|aate
    मिर्गी | mirgi | हार्टअटैक | हृदयाघात | बेहोश* | अचेत | behosh* | behos | लकवा | लकवे | lakwa | lakva | पक्षाघात | ब्रेन_स्ट्रोक | स्ट्रोक
    होश|hosh + नहीं|नही|खो*|में_नहीं|nahi|nahin|kho*|mein_nahi|me_nahi
    जहर|zeher|zahar|jahar
    पी|पिया|पिली|खा|खाया|खाली|निगल*|pi|pee|piya|kha|khaya|nigal* + ${chemical}
    निगल* | nigal*
    गोलियां|गोली|दवाई|दवा|दवाइयां|नींद_की|goliyan|goli|dawai|tablets|neend_ki + ज्यादा|बहुत_सारी|पूरी|पत्ता|शीशी|सारी|ढेर|jyada|zyada|bahut_sari|puri|patta|sari|sheeshi + खा|खाई|खायी|खाली|खा_ली|ले_ली|लीं|निगल*|kha|khai|khayi|khali|kha_li|le_li|nigal*
    ओवरडोज | overdose
    खून|रक्त|khoon|khun|blood + खांस*|उल्टी|बह*|रुक*|निकल*|थूक*|बहुत|ज्यादा|khansi|khaansi|ulti|vomit*|beh*|bah*|ruk*|nikal*|thook*|bahut|jyada|zyada ! जांच|टेस्ट|test|jaanch|janch|रिपोर्ट|report
    रक्तस्राव | ब्लीडिंग|bleeding
    गर्भ*|प्रेग्नेंट|प्रेगनेंसी|pregnant|garbh* + खून|ब्लीडिंग|तेज_दर्द|khoon|bleeding|behosh*
    पानी_की_थैली | प्रसव_पीड़ा
    अचानक|एकदम|achanak|ekdam + सुन्न|कमजोर*|सिरदर्द|बोल_नहीं|हिल*|गिर_गए|गिर_गई|गिर_गया|गिर_पड़*|अंधेरा|sunn|kamzor*|kamjor*|sirdard|bol_nahi|hil*|gir_gaye|gir_gayi|gir_gaya|gir_pad*
    ${side} + सुन्न|हिल_नहीं|नहीं_हिल*|काम_नहीं|लकवा|sunn|hil_nahi|nahi_hil*|kaam_nahi|suun ! app|ऐप|पेज|page
    मुंह|चेहरा|होंठ|muh|munh|chehra + टेढ़*|लटक*|tedha|tedhi|tedh*|latak*
    होंठ|चेहरा|नाखून|honth|hoth|chehra + नील*|neel*
    आवाज|जुबान|ज़ुबान|जबान|बोली|zuban|zubaan|jaban|awaaz|awaz + लड़खड़*|साफ_नहीं|नहीं_निकल*|ladkhad*|saaf_nahi ! ऐप|app
    बोल|bol + नहीं_पा*|nahi_pa*
    गला|गले|जीभ|होंठ|gala|gale|jeebh|jibh + सूज*|बंद|घुट*|अटक*|फंस*|sooj*|suj*|band|atak*|phas*|fas*
    एलर्जी|allergy + सूज*|सांस|तेज|गंभीर|sooj*|saans|tez
    मुंह|muh|munh + झाग|jhaag|jhag
    गिर|gir + होश|उठ_नहीं|खून|हिल|uth_nahi|khoon
    उठ|जाग|uth|jaag|aankh|आंख|आंखें + नहीं_रह*|नहीं_पा*|नहीं_खोल*|खोल_नहीं|nahi_rah*|nahi_khol*|khol_nahi ! फोन|फ़ोन|phone|call|कॉल
    सांप|बिच्छू|saanp|sanp|bichhu|bichu + काट*|डंक|डस*|kaat*|kat_liya|dank
    सिर|sir|sar + चोट|फट*|chot|phat* ! ct_scan_kya
    असहनीय|भयंकर|बर्दाश्त|asahniya|bhayankar|bardasht + दर्द|dard
    एक्सीडेंट|दुर्घटना|accident|durghatna + हो|हुआ|घायल|खून|चोट|ho|hua|chot|ghayal
    करंट|current + लग_गय*|लगा|lag_gay*|lag_gya|laga
    डूब|doob + गय*|रह*|gay*|raha
    जल|jal + गय*|gay* ! जल्दी|jaldi
    एम्बुलेंस|एंबुलेंस | मर_रह*|mar_raha|mar_rahi | मरने_वाल*
  `,
  crisis: `
    आत्महत्या | aatmahatya | atmahatya | खुदकुशी | khudkushi | khudkhushi | सुसाइड | suicide
    जीना|जीने|जिंदा|जिंदगी|जिन्दगी|jeena|jina|jeene|jine|zinda|jinda|zindagi|jindagi + नहीं|नही|मन|बेकार|खत्म|खतम|थक*|तंग|nahi|nahin|nhi|bekar|bekaar|khatam|khatm|thak*|tang
    मरना|मर_जाना|मर_जाऊं|मर_जाऊँ|मरने|मर_जाने|marna|mar_jana|mar_jau|mar_jaun|marne + चाहत*|है|दिल|मन|सोच*|लगता|का|chahta|chahti|hai|man|soch*|dil|ka ! वाल*
    खुद_को|अपने_आप_को|अपनी_जान|khud_ko|apne_aap_ko|apni_jaan + खत्म|खतम|मार*|नुकसान|चोट|दे|देना|लेना|लेने|काट*|khatam|khatm|maar*|mar|nuksan|de|dena|lena|lene|kaat*
    जान_दे_दू* | जान_देना | jaan_de_du* | jaan_dena | jaan_de_dunga
    फांसी|faansi|phansi + लगा*|laga*
    नस|कलाई|nas|kalai + काट*|kaat*|kat*
  `,
  general: `
    क्या_होता|क्या_होती|क्या_है|किसे_कहते|का_मतलब|मतलब|लक्षण|कारण|क्यों_होता|कैसे_होता|कैसे_होती|फर्क|अंतर|बचाव|इलाज_क्या|kya_hota|kya_hoti|kya_hai|matlab|lakshan|karan|kaise_hota|kaise_hoti|kyu_hota|kyon_hota|fark|bachav
    दिखता|दिखती|दिख_सकता|दिख_सकती|पता_चलता|पता_चलती|पता_चल_सकता|पकड़*|dikhta|dikhti|pata_chalta|pakad*|एक्सरे_में|एक्स-रे_में|सीटी_में|एमआरआई_में|xray_me*|x-ray_me*|ct_me*|mri_me*
    एआई|ai|मॉडल|model|एक्सरे|xray|x-ray|एक्स-रे
  `,
  present: `
    मुझे|मेरे|मेरी|मेरा|हमें|हमारे|mujhe|mere|meri|mera|hame|hamare|muje
    पापा|पिता*|मां|मम्मी|मम्मा|पत्नी|पति|बेटा|बेटे|बेटी|भाई|बहन|दादा|दादी|नाना|नानी|बच्चे_को|बच्चा|papa|pita*|maa|mummy|mummi|patni|pati|beta|bete|beti|behen|bahan|dada|dadi|nana|nani|bacche_ko|bachche_ko
    अभी|अचानक|सुबह_से|कल_से|रात_से|घंटे_से|दिन_से|हो_रहा|हो_रही|आ_रहा|आ_रही|हो_गया|हो_गई|हो_गए|जल्दी|बचाओ|मदद|abhi|achanak|subah_se|kal_se|raat_se|ghante_se|ho_raha|ho_rahi|aa_raha|aa_rahi|ho_gaya|ho_gayi|jaldi|bachao|madad
  `,
};
