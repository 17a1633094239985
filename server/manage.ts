/**
 * `npm run manage -- <command>`: what is done at the command line of a server that may be running, on the environment
 * that the server has. What was asked for goes to standard output, everything else to standard error. No secret is
 * taken as an argument: the operating system shows those to everybody.
 */
import './core/sealed-prototype.ts';
import { parseArgs } from 'node:util';
import { compose, type System } from './compose.ts';
import { auditAcceptRestore, auditExpire, auditVerify } from './compose/commands/audit.ts';
import { createAdmin, disable, listAccounts, resetFactor } from './compose/commands/accounts.ts';
import { commandLinePrincipal, type Command, type CommandLine, type Given } from './compose/commands/command.ts';
import { reseal, rotateKeys } from './compose/commands/keys.ts';
import { migrate, reindex } from './compose/commands/tables.ts';
import { ConfigurationError, readConfig, type Config } from './config.ts';
import { Problem } from './core/problem.ts';
import { own } from './core/table.ts';
import { databaseProblem } from './infrastructure/postgres/database-problem.ts';
import { createLogger } from './log.ts';

/** As of sysexits.h: 64 is a mistake in the arguments, 78 one in the environment. */
const exitCode = { done: 0, refused: 1, usage: 64, misconfigured: 78 } as const;

const commands = new Map<string, Command>([
  ['create-admin', createAdmin],
  ['list', listAccounts],
  ['disable', disable],
  ['reset-factor', resetFactor],
  ['rotate-keys', rotateKeys],
  ['reseal', reseal],
  ['reindex', reindex],
  ['migrate', migrate],
  ['audit verify', auditVerify],
  ['audit expire', auditExpire],
  ['audit accept-restore', auditAcceptRestore],
]);

const say = (line: string) => process.stderr.write(`${line}\n`);
const closing: (() => Promise<unknown>)[] = [];

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const ofDatabase = databaseProblem(error);
  say(ofDatabase ? `DATABASE_URL: ${ofDatabase.message} (${wordsOf(error)})` : wordsOf(error));
  process.exitCode = error instanceof ConfigurationError ? exitCode.misconfigured : exitCode.refused;
  // A fault of ours: what is to be reported stands in the stack.
  if (!(error instanceof ConfigurationError || error instanceof Problem || ofDatabase)) say(stackOf(error));
} finally {
  for (const close of closing.splice(0).reverse()) await close().catch((error: unknown) => say(String(error)));
}

async function main(args: readonly string[]): Promise<number> {
  const first = args.findIndex((arg) => arg.startsWith('-'));
  const words = first < 0 ? args : args.slice(0, first);
  const command = commands.get(words.join(' '));
  if (words.length === 0 && (args.length === 0 || args[0] === '--help')) {
    say(usage());
    return args.length === 0 ? exitCode.usage : exitCode.done;
  }
  // Words that are not known are not repeated: they may be a password that came to the wrong place.
  if (!command) return misused('There is no such command.', usage());
  const given = optionsOf(command, args.slice(words.length));
  if (!given) return misused('Options that are not known, or without their value.', usageOf(words.join(' '), command));
  const lacking = (command.required ?? []).filter((name) => (own(given, name) ?? '') === '');
  if (lacking.length > 0)
    return misused(`Needs ${lacking.map((name) => `--${name}`).join(' and ')}.`, usageOf(words.join(' '), command));
  await command.run(commandLine(readConfig(process.env)), given);
  return exitCode.done;
}

function optionsOf({ options = {} }: Command, args: readonly string[]): Given | undefined {
  try {
    return { ...parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values } as Given;
  } catch {
    return undefined;
  }
}

function commandLine(environment: Config): CommandLine {
  // No face, no jobs and no port of its own, beside the processes that have them; and it does not migrate unasked.
  const config: Config = {
    ...environment,
    metricsPort: undefined,
    roles: { api: false, worker: false, dimse: false, all: false },
  };
  const publicUrl = config.publicUrl ?? `http://localhost:${config.port}`;
  const log = createLogger(config.logLevel === 'debug' ? 'debug' : 'error', process.stderr);
  const onProgress = (step: string) => say(`  ${step} ...`);
  let opened: Promise<System> | undefined;
  return {
    config,
    publicUrl,
    start: { config: environment, log, onProgress, closing },
    open() {
      opened ??= compose(config, publicUrl, log, onProgress).then((system) => {
        closing.push(system.stop);
        return system;
      });
      return opened;
    },
    principal: commandLinePrincipal(),
    print: (line) => process.stdout.write(`${line}\n`),
    say,
  };
}

function misused(fault: string, help: string): number {
  say(`${fault}\n\n${help}`);
  return exitCode.usage;
}

function usage(): string {
  const widest = Math.max(...[...commands.keys()].map((name) => name.length));
  const lines = [...commands].map(([name, { summary }]) => `  ${name.padEnd(widest)}  ${summary}`);
  return ['Usage: npm run --silent manage -- <command> [options]', '', ...lines].join('\n');
}

function usageOf(name: string, { options = {}, required = [], summary }: Command): string {
  const parts = Object.entries(options).map(([option, { type }]) => {
    const written = type === 'string' ? `--${option} <${option}>` : `--${option}`;
    return required.includes(option) ? written : `[${written}]`;
  });
  return `Usage: npm run --silent manage -- ${[name, ...parts].join(' ')}\n\n${name} ${summary}.`;
}

/** A connection that was tried at several addresses has no message, but those of the tries. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(wordsOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? '').split('\n').slice(1).join('\n') : '';
}
