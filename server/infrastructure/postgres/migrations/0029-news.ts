import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * News about what is no FHIR record, in the feed of changes: one order, one cursor, one retention. What our screens show
 * of such tables is told by triggers, so that no way to write them is forgotten.
 */
export class News1764000029000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table change
        add column topic text, add column account_id text, add column roles text[],
        alter column type drop not null, alter column id drop not null, alter column version drop not null,
        alter column patients drop not null,
        add constraint change_is_one check ((topic is null) = (type is not null))`);
    await runner.query(postNews);
    await runner.query(tellOfTable);
    for (const [table, calls] of Object.entries(told))
      for (const [n, { topic, roles, of }] of calls.entries())
        await runner.query(`
          create trigger tell_${n} after insert or update ${of ? `of ${of}` : ''} or delete on ${table} for each row
          execute function tell_of_table(${[topic, ...(roles ?? [])].map((word) => `'${word}'`).join(', ')})`);
    await runner.query(tellOfEmergency);
    await runner.query(
      `create trigger tell after insert on emergency_access for each row execute function tell_of_emergency()`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop trigger tell on emergency_access`);
    await runner.query(`drop function tell_of_emergency`);
    for (const [table, calls] of Object.entries(told))
      for (const n of calls.keys()) await runner.query(`drop trigger tell_${n} on ${table}`);
    await runner.query(`drop function tell_of_table`);
    await runner.query(`drop function post_news`);
    await runner.query(`delete from change where topic is not null`);
    await runner.query(`
      alter table change drop constraint change_is_one,
        drop column topic, drop column account_id, drop column roles,
        alter column type set not null, alter column id set not null, alter column version set not null,
        alter column patients set not null`);
  }
}

/** Once in a transaction, however much of it changes. */
const postNews = `
  create function post_news(new_topic text, new_account text, new_roles text[]) returns void language sql as $$
    insert into change (topic, account_id, roles)
    select new_topic, new_account, new_roles
     where not exists (
       select from change c where c.transaction = pg_current_xact_id() and c.topic = new_topic
          and c.account_id is not distinct from new_account and c.roles is not distinct from new_roles)
  $$`;

/** Arguments of the trigger: the topic, and the roles that it is for. */
const tellOfTable = `
  create function tell_of_table() returns trigger language plpgsql as $$
  begin
    if tg_op = 'UPDATE' and new is not distinct from old then
      return null;
    end if;
    perform post_news(tg_argv[0], null, case when tg_nargs > 1 then tg_argv[1:tg_nargs - 1] end);
    return null;
  end $$`;

const tellOfEmergency = `
  create function tell_of_emergency() returns trigger language plpgsql as $$
  begin
    perform post_news('emergency', null, '{admin}');
    perform post_news('emergency', new.account_id, null);
    return null;
  end $$`;

const staff = ['admin', 'doctor', 'pharmacist'];

/** `of`: the columns that count; without it all do. */
const told: Record<string, { topic: string; roles?: string[]; of?: string }[]> = {
  delivery: [{ topic: 'deliveries', roles: ['admin'] }],
  relay_state: [{ topic: 'deliveries', roles: ['admin'] }],
  // Patients who register are accounts; all of the staff tie them.
  account: [
    { topic: 'users', roles: ['admin'] },
    { topic: 'registrations', roles: staff, of: 'email, role, display_name, fhir_user, disabled, verified_at, tied' },
  ],
  account_change: [{ topic: 'users', roles: ['admin'] }],
  smart_client: [{ topic: 'clients', roles: ['admin'] }],
  registration_token: [{ topic: 'clients', roles: ['admin'] }],
  model: [{ topic: 'models', roles: ['admin'] }],
  model_change: [{ topic: 'models', roles: ['admin'] }],
  shadow_analysis: [{ topic: 'models', roles: ['admin'] }],
  site: [{ topic: 'site' }],
  held_instance: [{ topic: 'held', roles: staff }],
};
