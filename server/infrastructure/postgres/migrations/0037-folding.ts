import type { MigrationInterface, QueryRunner } from 'typeorm';

const folding = (value: string) => `
  create or replace function fold(value text) returns text
  language sql immutable parallel safe strict
  return lower(public.unaccent('public.unaccent'::regdictionary, ${value}))`;

/**
 * Names are compared in one form of their letters (NFKC): an umlaut that is written as a letter and a mark, as some devices do,
 * half-width katakana, and ligatures are the letters that somebody types. Only rows with such letters are written anew.
 */
export class Folding1764000037000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(folding('normalize(value, NFKC)'));
    await refresh(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(folding('value'));
    await refresh(runner);
  }
}

async function refresh(runner: QueryRunner): Promise<void> {
  await runner.query(`update search_string set folded = fold(value) where value is not nfkc normalized`);
  // Generated columns follow what they are made of.
  await runner.query(`update study set attributes = attributes where attributes::text is not nfkc normalized`);
}
