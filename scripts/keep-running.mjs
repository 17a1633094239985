// Keeps a program running: one that crashed is started again. Plain JavaScript, no dependencies.

/** Exit codes of server/main.ts that another try does not mend: it ended as told, or its configuration is wrong. */
const final = new Set([0, 78]);
/** It could not start: a person looks at it, unless it had been running before. */
const couldNotStart = 1;
/** So many crashes within a minute, and it is given up. */
const mostCrashes = 5;
const window = 60_000;

/**
 * Starts the program, hands signals on, starts it again when it crashed (after 1, 2, 4 and 8 seconds), and ends this
 * process with its last exit code when it ended by itself, was told to end, or crashes again and again.
 *
 * @param {() => import('node:child_process').ChildProcess} start
 * @param {(sentence: string) => void} say
 */
export async function keepRunning(start, say, firstPause = 1_000) {
  let told = false;
  let child;
  let wake = () => {};
  const tell = (signal) => () => {
    told = true;
    wake();
    // Ctrl-C reaches the child by itself (same terminal group), a signal to this process alone does not. Told twice the
    // same thing it would end at once, so the second word is another one.
    child?.kill(signal === 'SIGINT' ? 'SIGTERM' : signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, tell(signal));
  const crashes = [];
  for (;;) {
    child = start();
    const { code, signal, error } = await ended(child);
    if (error) return exit(say, `The server could not be started: ${error.message}`, 1);
    if (told) process.exit(code ?? 130);
    if (final.has(code)) process.exit(code);
    if (code === couldNotStart && crashes.length === 0) process.exit(code);
    const now = Date.now();
    crashes.push(now);
    while (crashes[0] < now - window) crashes.shift();
    const how = signal ? `ended by ${signal}` : `ended with code ${code}`;
    if (crashes.length >= mostCrashes)
      return exit(say, `The server ${how}, ${mostCrashes} times within a minute; it is not started again.`, code ?? 1);
    const pause = firstPause * 2 ** (crashes.length - 1);
    say(`The server ${how}; it is started again in ${pause / 1000} s.`);
    await new Promise((done) => {
      wake = done;
      setTimeout(done, pause);
    });
    if (told) process.exit(code ?? 130);
  }
}

function ended(child) {
  return new Promise((done) => {
    child.once('error', (error) => done({ error }));
    child.once('exit', (code, signal) => done({ code, signal }));
  });
}

function exit(say, sentence, code) {
  say(sentence);
  process.exit(code);
}
