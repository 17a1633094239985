/** Prints a whole HTML document as A4 PDF, tagged, in a browser without network and without scripts. */
export interface PdfPrinter {
  /** @throws Problem `timeout` (page hung), `transient` (no browser can be started now). */
  print(html: string): Promise<Uint8Array>;
  /** Another process has the browser: nothing is printed here. */
  elsewhere?: true;
}
