import { resealAll } from '../../infrastructure/postgres/sealed-columns.ts';
import { rotateSmartKeys } from '../../smart/keys.ts';
import { rotateRecordKey } from '../keys.ts';
import { noted, type Command } from './command.ts';

export const rotateKeys: Command = {
  summary: 'begins the next turn of the signing and cookie keys, and signs records with a new key',
  options: { 'at-once': { type: 'boolean' } },
  async run(line, given) {
    const { world, authorizations } = await line.open();
    const atOnce = given['at-once'] === true;
    await rotateSmartKeys(authorizations, world.now(), { atOnce });
    await rotateRecordKey(authorizations);
    await world.read(({ audit }) => audit.append(noted(line, 'keys:rotate', [atOnce ? 'at-once' : 'announced'])));
    line.say(
      atOnce
        ? 'Earlier signing and cookie keys are not trusted any more: within a minute everybody has to sign in again.'
        : 'New signing and cookie keys are announced, and sign from tomorrow on; nobody is signed out.',
    );
    line.say('Records are signed with a new key. What was signed before can be checked for ever.');
  },
};

export const reseal: Command = {
  summary: 'encrypts the secrets in the database anew, after SECRET_KEYS got a new first key',
  async run(line) {
    const { world, sql } = await line.open();
    const done = await resealAll(sql, world.secrets);
    const counts = Object.entries(done).map(([table, count]) => `${table} ${count}`);
    await world.read(({ audit }) => audit.append(noted(line, 'keys:reseal', counts)));
    line.say(`Sealed anew under the first key of SECRET_KEYS: ${counts.join(', ')}.`);
    line.say(
      'Keep the older keys at the end of SECRET_KEYS: rows of the audit trail from their time are checked with them.',
    );
  },
};
