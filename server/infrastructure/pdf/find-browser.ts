import { existsSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer';
import { unpackBundledBrowser } from './bundled-browser.ts';

export interface Browser {
  executable: string;
  /** Where it was found, for operators. */
  origin: 'CHROMIUM_PATH' | 'puppeteer' | 'system' | '@sparticuz/chromium';
  /** Folder of shared libraries that it needs beside those of the system. */
  libraries?: string;
  /** Further arguments that this build needs. */
  args?: string[];
}

const systemPaths: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/microsoft-edge',
    '/snap/bin/chromium',
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: [process.env['ProgramFiles'], process.env['ProgramFiles(x86)'], process.env['LOCALAPPDATA']].flatMap(
    (folder) =>
      folder
        ? [join(folder, 'Google/Chrome/Application/chrome.exe'), join(folder, 'Microsoft/Edge/Application/msedge.exe')]
        : [],
  ),
};

/**
 * Browsers to try, best first: the configured one (and then no other), the one that puppeteer downloaded at
 * install, the system's, the one that an npm package brings along. The last is unpacked only when it comes to it.
 */
export async function* browsers(options: { chromiumPath?: string; cacheFolder: string }): AsyncGenerator<Browser> {
  if (options.chromiumPath !== undefined) {
    if (!existsSync(options.chromiumPath)) throw new Error('CHROMIUM_PATH names no file');
    yield { executable: options.chromiumPath, origin: 'CHROMIUM_PATH' };
    return;
  }
  const downloaded = await puppeteersOwn();
  if (downloaded !== undefined) yield { executable: downloaded, origin: 'puppeteer' };
  for (const executable of systemPaths[process.platform] ?? []) {
    if (existsSync(executable)) yield { executable, origin: 'system' };
  }
  const bundled = await unpackBundledBrowser(options.cacheFolder);
  if (bundled) yield { ...bundled, origin: '@sparticuz/chromium' };
}

/** Its install script finds no download where there is no network, and then puppeteer knows a path with nothing there. */
async function puppeteersOwn(): Promise<string | undefined> {
  try {
    const path = await puppeteer.executablePath();
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
