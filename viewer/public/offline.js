/* The page that stands where the server cannot be reached. It is in the browser's cache, and holds no data. */
const words = {
  ta: {
    title: 'இணைப்பு இல்லை',
    text: 'சேவையகத்தை அடைய முடியவில்லை, எனவே எதையும் காட்ட முடியாது: CSSS நோயாளிகளின் தரவு எதையும் இந்தச் சாதனத்தில் வைப்பதில்லை. இணைப்பு திரும்பியதும் இந்தப் பக்கம் தானாகத் தொடரும்.',
    again: 'மீண்டும் முயற்சிக்கவும்',
  },
  hi: {
    title: 'कनेक्शन नहीं है',
    text: 'सर्वर तक पहुँचा नहीं जा सका, इसलिए कुछ दिखाया नहीं जा सकता: CSSS इस डिवाइस पर रोगियों का कोई डेटा नहीं रखता। कनेक्शन लौटने पर यह पृष्ठ अपने आप आगे बढ़ेगा।',
    again: 'फिर से कोशिश करें',
  },
};
const chosen = /(?:^|; )csss-language=(\w+)/.exec(document.cookie)?.[1] ?? navigator.language.slice(0, 2);
const said = new Map(Object.entries(words)).get(chosen);
if (said) {
  document.documentElement.lang = chosen;
  document.title = `${said.title} - CSSS`;
  for (const [id, text] of Object.entries(said)) document.getElementById(id).textContent = text;
}
const again = () => location.reload();
document.getElementById('again').addEventListener('click', again);
addEventListener('online', again);
// A server that starts again makes no browser say that it is online.
setInterval(
  () =>
    fetch('/healthz', { cache: 'no-store' }).then(
      ({ ok }) => ok && again(),
      () => undefined,
    ),
  5_000,
);
