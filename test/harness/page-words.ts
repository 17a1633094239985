import type { Page } from 'puppeteer';

// What of a page is in which language.

/** Names, and codes that are the same in every language: of people and places of the demo, of standards, products and units. */
const everywhere = [
  'CSSS Demo Hospital', 'CSSS', 'Dr. Meera Iyer', 'Meera Iyer', 'Arjun Rao', 'Lena Fischer', 'Tomas Novak',
  'DICOMweb', 'DICOM', 'DIMSE', 'FHIR', 'SMART', 'PDF', 'JPEG', 'JPG', 'PNG', 'ZIP', 'CSV', 'JSON', 'JWKS', 'URL', 'TLS', 'SMTP', 'OAuth', 'OpenID',
  'HTTPS', 'HTTP', 'HL7', 'LOINC', 'SNOMED', 'FHIR Task', 'Task', 'JavaScript', 'ONNX', 'CPU', 'GPU', 'QR', 'PIN', 'MIT', 'COVID-19', 'Chromium', 'Chrome',
  'English', 'EHR launch', 'redirect_uri', 'localhost', 'https', 'http', 'WebGL', 'Shift', 'MRI', 'CD', 'PACS', 'RIS', 'AUC', 'QIDO-RS', 'RFC', 'TOTP', 'Firefox',
  'Linux', 'ImagingStudy', 'Practitioner', 'Patient/', 'Macro-F1', 'UTC', 'Asia/Kolkata', 'Europe/', 'PostgreSQL', 'WebSocket',
]; // prettier-ignore

/**
 * Pieces of a page that hold English words, as they stand: text that can be seen, and what is only read out. Left out are names and
 * codes (`everywhere`), addresses, identifiers with figures, what is set in the typeface of codes, and what says that it is English.
 */
export async function englishOn(page: Page, alsoAllowed: readonly string[] = []): Promise<string[]> {
  return page.evaluate(
    (allowed: string[]) => {
      const skipped = '[translate="no"], :root [lang="en"], code, pre, .figures, script, style, noscript, textarea';
      const found = new Set<string>();
      const look = (text: string | null | undefined) => {
        if (!text?.trim()) return;
        let rest = text;
        for (const phrase of allowed) rest = rest.replaceAll(phrase, ' ');
        rest = rest.replace(/\S+@\S+|https?:\/\/\S+|(?:^|\s)\/\S+/g, ' ').replace(/[\w.:/-]*\d[\w.:/-]*/g, ' ');
        if (/[A-Za-z]{3,}/.test(rest)) found.add(text.trim().replace(/\s+/g, ' '));
      };
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement!;
        if (parent.closest(skipped) || !parent.checkVisibility()) continue;
        look(node.textContent);
      }
      for (const element of document.querySelectorAll('[aria-label], [title], [alt], [placeholder]')) {
        if (element.closest(skipped)) continue;
        for (const name of ['aria-label', 'title', 'alt', 'placeholder']) look(element.getAttribute(name));
      }
      look(document.title);
      return [...found];
    },
    [...everywhere, ...alsoAllowed].sort((a, b) => b.length - a.length),
  );
}
