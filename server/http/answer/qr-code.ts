import { renderSVG } from 'uqr';

/** A QR code as SVG text, dark on white whatever the page's colours: scanners look for that. */
export function qrCode(text: string): string {
  return renderSVG(text, { ecc: 'M', border: 2, pixelSize: 4 });
}
