/** Files that a page makes or fetches with the person's token; their names say nothing of patients. */

/** Through the browser's downloads. */
export function saveFile(bytes: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

interface Picker {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<{ createWritable(): Promise<WritableStream> }>;
}

/** Where an answer of any size goes. */
export interface FileTarget {
  take(response: Response): Promise<void>;
}

/**
 * Asks where to, as long as the click counts as one; the answer then goes into the file as it arrives. Browsers that
 * cannot do that keep the whole answer in memory and save it through their downloads.
 *
 * @returns undefined when the person changed their mind.
 */
export async function fileTarget(name: string): Promise<FileTarget | undefined> {
  const picker = (globalThis as Picker).showSaveFilePicker;
  if (!picker) return { take: async (response) => saveFile(await response.blob(), name) };
  try {
    const file = await picker.call(globalThis, { suggestedName: name });
    return { take: async (response) => response.body!.pipeTo(await file.createWritable()) };
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') return undefined;
    throw thrown;
  }
}
