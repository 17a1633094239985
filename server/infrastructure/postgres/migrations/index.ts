import type { MigrationInterface } from 'typeorm';
import { Foundation1764000001000 } from './0001-foundation.ts';
import { Studies1764000003000 } from './0003-studies.ts';

/** In the order in which they run. TypeORM reads the time stamp at the end of each class name. */
export const migrations: (new () => MigrationInterface)[] = [Foundation1764000001000, Studies1764000003000];
