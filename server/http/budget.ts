/**
 * What one request, one connection and one caller may cost: every limit of the HTTP layer on one page. Operators change
 * those that `config.ts` names; docs/operations.md lists all of them.
 */
export interface Budget {
  /** Bytes of all content of one STOW request, after its content coding; one instance has a limit of its own. */
  storeBytes: number;
  /** Parts of one multipart body. */
  parts: number;
  /** Requests of one caller that run at a time; further ones wait. */
  perCaller: number;
  /** Requests of one caller that wait; further ones are refused with 429. */
  waitingPerCaller: number;
  /** Open connections of the whole process; a further one is closed at once. */
  connections: number;
  pace: Pace;
}

/** How slow a client may be. Times in milliseconds. */
export interface Pace {
  /** Bytes a second over `window`, of a body that comes in and of an answer that goes out; 0 sets no limit. */
  bytesPerSecond: number;
  /** Before a request is looked at for the first time. */
  grace: number;
  /** Over which the rate of a body that comes in is taken. */
  receivingWindow: number;
  /** Over which the rate of an answer is taken: long, because receivers take what their window holds in one go. */
  sendingWindow: number;
  /** Nothing at all moves on the connection while a request comes in, or between two. */
  silence: number;
  /** Nothing at all moves while the server works: minutes, if a request brought thousands of images. */
  working: number;
  /** For the line and headers of a request. */
  headers: number;
}

export const defaultBudget: Budget = {
  storeBytes: 64 * 2 ** 30,
  parts: 10_000,
  perCaller: 12,
  waitingPerCaller: 256,
  connections: 1000,
  pace: {
    bytesPerSecond: 1024,
    grace: 30_000,
    receivingWindow: 60_000,
    sendingWindow: 120_000,
    silence: 60_000,
    working: 600_000,
    headers: 10_000,
  },
};

/** Of one part of a multipart body. */
export const partHeaders = { lines: 64, bytes: 16 << 10 } as const;

/**
 * What a body may become without its content coding: this many bytes whatever it was, and beyond them so many times
 * what came over the wire. Deflate reaches 1000 times, and JSON stays far below 100.
 */
export interface Inflation {
  free: number;
  ratio: number;
}
export const inflation: Inflation = { free: 16 << 20, ratio: 100 };

/** Of images, which go to the disk and have limits of their own: the masks of a segmentation shrink 400 times. */
export const imageInflation: Inflation = { free: 1 << 30, ratio: 100 };

/**
 * A body of more than `most` pieces has `least` bytes in each on average: sent in HTTP chunks of one byte, ten megabytes
 * are ten million buffers. A piece that is read past counts as `least` bytes.
 */
export const pieces = { least: 64, most: 10_000 } as const;

/** What is still read of a body that nobody wants, so that the client gets to the answer (RFC 9112 9.6). */
export const unwanted = { bytes: 1 << 20, ms: 3000 } as const;
