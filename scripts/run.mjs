// Runs the project with any Node from 20 up: installs what is missing, finds a Node new enough to run TypeScript,
// builds the web application when its sources changed, then starts and keeps the server running. Plain JavaScript, no dependencies.
//
//   node scripts/run.mjs start | test [args] | check | exec <file> [args]
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from './checks.mjs';
import { keepRunning } from './keep-running.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
// The first in which a server can refuse to switch protocols and answer all the same (RFC 9110 section 7.8).
const neededNode = [24, 9];

const [mode, ...args] = process.argv.slice(2);
process.chdir(root);

let node;
await installWhatIsMissing();
node = findNode();

if (mode === 'start') {
  await buildViewer();
  await keepRunning(() => spawnProgram(node, ['--disable-proto=delete', 'server/main.ts', ...args]), say);
} else if (mode === 'test') {
  if (args.length === 0) await checkAll(); // left out when single tests are asked for
  await buildViewer();
  await run(node, ['node_modules/vitest/vitest.mjs', 'run', ...args]);
} else if (mode === 'check') {
  await checkAll();
} else if (mode === 'exec' && args.length > 0) {
  await run(node, args);
} else {
  fail('Usage: node scripts/run.mjs start | test [args] | check | exec <file> [args]');
}

/** `npm ci` when node_modules is not what the lockfile says. The stamp is written last, so a broken install is repeated. */
async function installWhatIsMissing() {
  const stamp = join(root, 'node_modules', '.csss-lockfile');
  const wanted = hashOf(['package.json', 'package-lock.json', '.npmrc']);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('Installing packages (about a minute the first time) ...');
  const npm = process.env.npm_execpath;
  const command = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  if (npm && /\.c?js$/.test(npm)) await run(process.execPath, [npm, ...command]);
  else await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', command);
  await fetchBrowser();
  writeFileSync(stamp, wanted);
}

/**
 * The browser that prints reports, where puppeteer has one to download and no package brings one along. Packages run no
 * scripts of their own (.npmrc). Without a network the one of the system has to do, which is looked for at the start.
 */
async function fetchBrowser() {
  const comesAlong = process.platform === 'linux'; // @sparticuz/chromium on x64; for arm64 there is none to download
  if (comesAlong) return;
  node = findNode();
  await runQuietly(['node_modules/puppeteer/install.mjs']);
}

/**
 * This Node if it is new enough and has long-term support, which the authorization library asks for; else the one that
 * npm installed beside the packages; else this one if it is new enough.
 */
function findNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const newEnough = major > neededNode[0] || (major === neededNode[0] && minor >= neededNode[1]);
  if (newEnough && process.release.lts) return process.execPath;
  const require = createRequire(join(root, 'package.json'));
  const system = process.platform === 'win32' ? 'win' : process.platform;
  for (const name of [`node-${system}-${process.arch}`, `node-bin-${system}-${process.arch}`]) {
    try {
      const folder = dirname(require.resolve(`${name}/package.json`));
      const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
      if (existsSync(binary)) return binary;
    } catch {
      // not for this platform
    }
  }
  if (newEnough) return process.execPath;
  return fail(
    `This is Node ${process.versions.node}; CSSS runs on ${neededNode.join('.')} or newer, and npm has none for ` +
      `${process.platform}-${process.arch}. Install a newer Node, or install again without --omit=optional.`,
  );
}

async function checkAll() {
  say('Checking format, lint, types and import rules (about a minute) ...');
  if (!(await check(runQuietly, say))) process.exit(1);
}

/** Builds viewer/dist when the sources or packages differ from those of the last build. */
async function buildViewer() {
  const stamp = join(root, 'viewer', 'dist', '.built-from');
  const wanted = hashOf(['package-lock.json', ...filesBelow('viewer', ['dist', 'node_modules'])]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('Building the web application (about half a minute) ...');
  await run(node, ['node_modules/vite/bin/vite.js', 'build', 'viewer', '--logLevel', 'warn']);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

function filesBelow(folder, except) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !except.includes(entry.name))
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(folder, entry.name), except) : [join(folder, entry.name)],
    )
    .sort();
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files)
    if (existsSync(file) && statSync(file).isFile()) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

function spawnProgram(command, commandArgs, stdio = 'inherit') {
  const env = {
    // Compiled code is kept between starts: half the start time, and no TypeScript compiler in memory.
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'csss'),
    // glibc keeps free memory for each thread; a server with a dozen of them would hold on to a hundred megabytes.
    MALLOC_ARENA_MAX: '2',
    // Lint looks at each file once: it need not watch them for changes.
    TSESTREE_SINGLE_RUN: 'true',
    ...process.env,
    PATH: dirname(command) + delimiter + (process.env.PATH ?? ''),
  };
  const flags = command === node ? ['--disable-warning=ExperimentalWarning'] : [];
  return spawn(command, [...flags, ...commandArgs], {
    cwd: root,
    stdio,
    env,
    shell: command.endsWith('.cmd'),
  });
}

/** Runs a script to its end and gives what it said. */
function runQuietly(args) {
  const child = spawnProgram(node, args, ['ignore', 'pipe', 'pipe']);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  return new Promise((done) => {
    child.once('error', (error) => done({ code: 1, output: error.message }));
    child.once('close', (code) => done({ code: code ?? 1, output }));
  });
}

/** Runs a command to its end, hands signals on, and ends with it when it fails. */
function run(command, commandArgs) {
  const child = spawnProgram(command, commandArgs);
  const handOn = (signal) => child.kill(signal);
  // Ctrl-C reaches the child by itself (same terminal group); waiting here keeps the prompt until it has stopped.
  const signals = { SIGINT: () => {}, SIGTERM: () => handOn('SIGTERM'), SIGHUP: () => handOn('SIGHUP') };
  for (const [signal, listener] of Object.entries(signals)) process.on(signal, listener);
  return new Promise((done) => {
    child.once('error', (error) => fail(`${command} could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      for (const [name, listener] of Object.entries(signals)) process.off(name, listener);
      if (code === 0) done();
      else process.exit(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

function say(sentence) {
  process.stderr.write(`${sentence}\n`);
}

function fail(sentence) {
  say(sentence);
  process.exit(1);
}
