import { userInfo } from 'node:os';
import type { ParseArgsConfig } from 'node:util';
import type { AuditRow } from '../../core/access/audit-trail.ts';
import { systemPrincipal, type Principal } from '../../core/principal.ts';
import type { System } from '../../compose.ts';
import type { Config } from '../../config.ts';
import type { Start } from '../start.ts';

/** What a command was given: options that are there. */
export type Given = Record<string, string | boolean | undefined>;

/** What a command works with. */
export interface CommandLine {
  config: Config;
  publicUrl: string;
  start: Pick<Start, 'config' | 'log' | 'onProgress' | 'closing'>;
  /** The whole system without a face and without jobs, on the database of the environment. */
  open(): Promise<System>;
  /** Who is at the command line. */
  principal: Principal;
  /** What was asked for, for programs and pipes: standard output. */
  print(line: string): void;
  /** Everything else, for people: standard error. */
  say(line: string): void;
}

export interface Command {
  /** One line for the list of commands. */
  summary: string;
  options?: NonNullable<ParseArgsConfig['options']>;
  /** Options without which it does nothing. */
  required?: readonly string[];
  /** @throws Problem with what is to be done instead; ConfigurationError. */
  run(line: CommandLine, given: Given): Promise<void>;
}

/** The command line in the name of the person who is at it, as far as the operating system knows. */
export function commandLinePrincipal(): Principal {
  return systemPrincipal(`command-line ${userName()}`);
}

function userName(): string {
  try {
    return userInfo().username.replace(/[^\w.@-]/g, '?');
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`; // a user whom the container's list does not have
  }
}

/** One row of the trail for an act that no write of a record tells of. */
export function noted(
  { principal }: Pick<CommandLine, 'principal'>,
  event: string,
  entities: string[],
  action: AuditRow['action'] = 'E',
): AuditRow {
  return { action, event, outcome: 'success', principal, entities };
}
