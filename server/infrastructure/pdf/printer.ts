import { tmpdir } from 'node:os';
import puppeteer, { type Browser as Chromium, type Page } from 'puppeteer';
import type { PdfPrinter } from '../../core/reports/pdf-printer.ts';
import { Problem } from '../../core/problem.ts';
import { type Browser, browsers } from './find-browser.ts';
import { reportFonts } from './fonts.ts';

export interface PrinterOptions {
  /** CHROMIUM_PATH: this browser and no other. */
  chromiumPath?: string;
  /** Where a browser that came with npm may be unpacked. */
  cacheFolder: string;
  /** A page that takes longer is killed with its browser. */
  timeoutMs?: number;
  /** The browser is replaced after so many reports, whatever it has piled up. */
  recycleAfter?: number;
}

export type PrinterState =
  { ready: true; browser: string; origin: Browser['origin'] } | { ready: false; reason: string };

export interface Printer extends PdfPrinter {
  state(): PrinterState;
  /** Asks the browser; one that is gone is started again, if the last tries are long enough ago. */
  look(): Promise<PrinterState>;
  close(): Promise<void>;
}

/** Starts with many failures in a row are not tried again at once. */
const failuresBeforePause = 3;
const pauseMs = 30_000;

/**
 * Starts the browser that prints reports. It never rejects: without a browser the server serves everything
 * else, and `state()` says what is missing.
 */
export async function startPrinter(options: PrinterOptions): Promise<Printer> {
  const press = new Press(options);
  await press.warmUp();
  return {
    print: (html) => press.print(html),
    state: () => press.state,
    look: () => press.look(),
    close: () => press.close(),
  };
}

/** One warm browser with one page, used by one report at a time: a fresh page would cost three times as much. */
class Press {
  state: PrinterState = { ready: false, reason: 'starting' };
  readonly #options: PrinterOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #found: Browser | undefined;
  #chromium: Chromium | undefined;
  #page: Page | undefined;
  #printed = 0;
  #failures = 0;
  #pausedUntil = 0;
  #closed = false;
  #reopening = false;

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  async warmUp(): Promise<void> {
    await this.#open().catch((error: unknown) => this.#refuse(error));
  }

  print(html: string): Promise<Uint8Array> {
    const printed = this.#queue.then(() => this.#printNow(html));
    this.#queue = printed.catch(() => undefined);
    return printed;
  }

  async look(): Promise<PrinterState> {
    if (this.#page && this.#chromium?.connected) {
      const alive = await withinTime(1_500, this.#chromium.version()).then(() => true, () => false); // prettier-ignore
      if (!alive && this.state.ready) return { ready: false, reason: 'the browser does not answer' };
    } else if (!this.#closed && Date.now() >= this.#pausedUntil) {
      if (!this.#reopening) {
        this.#reopening = true;
        const opened = this.#queue.then(() => this.#openOrRefuse());
        this.#queue = opened.catch(() => undefined).finally(() => (this.#reopening = false));
      }
      if (this.state.ready) return { ready: false, reason: 'the browser ended and is started again' };
    }
    return this.state;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.state = { ready: false, reason: 'stopped' };
    await this.#drop();
  }

  async #printNow(html: string): Promise<Uint8Array> {
    if (this.#closed) throw new Problem('transient', 'The server is stopping.', { retryAfter: 5 });
    if (this.#printed >= (this.#options.recycleAfter ?? 300)) await this.#drop();
    const page = await this.#openOrRefuse();
    const limit = this.#options.timeoutMs ?? 20_000;
    try {
      const pdf = await withinTime(limit, render(page, await withFonts(html), limit));
      this.#printed++;
      return pdf;
    } catch (error) {
      // Whatever happened in there, the next report gets a browser that it did not happen to.
      await this.#drop();
      if (error instanceof Problem) throw error;
      throw new Problem('transient', 'The browser was lost while it printed.', { retryAfter: 2, cause: error });
    }
  }

  async #openOrRefuse(): Promise<Page> {
    if (Date.now() < this.#pausedUntil)
      throw new Problem('transient', 'No browser can be started now.', { retryAfter: 30 });
    try {
      return await this.#open();
    } catch (error) {
      this.#refuse(error);
      throw new Problem('transient', 'No browser can be started now.', { retryAfter: 30, cause: error });
    }
  }

  async #open(): Promise<Page> {
    if (this.#page && this.#chromium?.connected) return this.#page;
    await this.#drop();
    const known = this.#found;
    this.#found = undefined; // one that does not start any more is looked for afresh
    const chromium = known ? await launch(known) : await this.#firstThatStarts();
    this.#found ??= known;
    this.#chromium = chromium;
    this.#printed = 0;
    const [first] = await chromium.pages();
    const page = first ?? (await chromium.newPage());
    await isolate(page);
    this.#page = page;
    this.#failures = 0;
    this.state = { ready: true, browser: await chromium.version(), origin: this.#found!.origin };
    return page;
  }

  async #firstThatStarts(): Promise<Chromium> {
    const reasons: string[] = [];
    for await (const browser of browsers(this.#options)) {
      try {
        const chromium = await launch(browser);
        this.#found = browser;
        return chromium;
      } catch (error) {
        reasons.push(`${browser.origin}: ${firstLine(error)}`);
      }
    }
    throw new Error(
      reasons.length > 0 ? `no browser starts (${reasons.join('; ')})` : 'no browser found; set CHROMIUM_PATH',
    );
  }

  async #drop(): Promise<void> {
    const chromium = this.#chromium;
    this.#chromium = undefined;
    this.#page = undefined;
    if (!chromium) return;
    // A hung browser does not answer a polite close.
    await withinTime(2_000, chromium.close()).catch(() => chromium.process()?.kill('SIGKILL'));
  }

  #refuse(error: unknown): void {
    if (this.#closed) return;
    this.state = { ready: false, reason: firstLine(error) };
    if (++this.#failures < failuresBeforePause) return;
    this.#pausedUntil = Date.now() + pauseMs;
    this.#failures = 0;
  }
}

async function launch(browser: Browser): Promise<Chromium> {
  const isRoot = process.getuid?.() === 0;
  return puppeteer.launch({
    // The server stops the browser itself; puppeteer's own handlers would end the whole process at once.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    executablePath: browser.executable,
    headless: true,
    // A pipe: no debugging port that another process of the machine could open.
    pipe: true,
    timeout: 30_000,
    args: [
      ...(browser.args ?? []),
      // Chromium refuses its sandbox as root; run the server as another user to have it.
      ...(isRoot ? ['--no-sandbox'] : []),
      '--host-resolver-rules=MAP * ~NOTFOUND',
      '--disable-background-networking',
      '--disable-sync',
      '--disable-dev-shm-usage',
      '--no-first-run',
    ],
    // Nothing of the server's environment (database password, keys) reaches the browser.
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'] ?? tmpdir(),
      TMPDIR: tmpdir(),
      LANG: 'C.UTF-8',
      ...(process.platform === 'win32' && { SystemRoot: process.env['SystemRoot'], TEMP: tmpdir() }),
      ...(browser.libraries && { LD_LIBRARY_PATH: browser.libraries }),
    },
  });
}

/** No scripts, no network: what a note says is text, and what it names is not fetched. */
async function isolate(page: Page): Promise<void> {
  await page.setJavaScriptEnabled(false);
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    const harmless = request.url().startsWith('data:') || request.url() === 'about:blank';
    void (harmless ? request.continue() : request.abort()).catch(() => undefined);
  });
  await page.setOfflineMode(true);
}

/** The machine's fonts do not decide how a report looks. */
async function withFonts(html: string): Promise<string> {
  const css = await reportFonts();
  return html.replace('<head>', () => `<head><style>${css}</style>`);
}

async function render(page: Page, html: string, timeout: number): Promise<Uint8Array> {
  await page.setContent(html, { waitUntil: 'load', timeout });
  const pdf = await page.pdf({ format: 'A4', printBackground: true, preferCSSPageSize: true, tagged: true, timeout });
  // The page keeps nothing of one patient while it waits for the next.
  await page.setContent('', { timeout });
  return pdf;
}

function withinTime<Value>(limit: number, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Problem('timeout', 'The page took too long to print.')), limit);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function firstLine(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]!.slice(0, 200) : 'failed';
}
