import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Records that only some of the staff see, and access to them in an emergency. */
export class RestrictedRecords1764000028000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table restricted_patient (patient_id text primary key, readers text[] not null)`);
    await runner.query(`
      create table emergency_access (
        id         bigint generated always as identity primary key,
        account_id text not null,
        patient_id text not null,
        reason     text not null,
        at         timestamptz not null default now(),
        until      timestamptz not null
      )`);
    await runner.query(`create index emergency_access_of on emergency_access (account_id, until)`);
    await runner.query(`alter table audit add column purpose text`);
    await runner.query(standing);
    await runner.query(`create type restrictions as (hidden text[], emergency text[])`);
    await runner.query(restrictionsOf);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop function restrictions_of`);
    await runner.query(`drop type restrictions`);
    await runner.query(`drop table emergency_access`);
    await runner.query(`alter table audit drop column purpose`);
    await runner.query(`drop table restricted_patient`);
  }
}

/** Labels that stood before they meant something. */
const standing = `
  insert into restricted_patient (patient_id, readers)
  select r.id, coalesce(array_agg(distinct s.target_type || '/' || s.target_id) filter (where s.rid is not null), '{}')
    from record r left join search_reference s on s.rid = r.rid and s.param in ('Patient.general-practitioner', 'Patient.organization')
   where r.type = 'Patient' and not r.deleted
     and exists (select from search_token t where t.rid = r.rid and t.param = 'Patient._security' and t.code in ('R', 'V')
                    and t.system = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality')
   group by r.id`;

/**
 * What an account does not see, and what it has opened: of doctors and pharmacists only. Somebody is named in person, by a role, or
 * by the organisation of a role that is not out of use. Most sites have no restricted record, and pay for one look at an empty table.
 */
const restrictionsOf = `
  create function restrictions_of(account_id text) returns restrictions language plpgsql stable as $$
  declare
    person account;
    roles bigint[];
    names text[];
    found restrictions := row('{}'::text[], '{}'::text[]);
  begin
    if not exists (select from restricted_patient) then
      return found;
    end if;
    select * into person from account where id = account_id and role in ('doctor', 'pharmacist');
    if person is null or person.fhir_user not like 'Practitioner/%' then
      return found;
    end if;
    roles := array(
      select r.rid from search_reference s join record r on r.rid = s.rid
       where s.param = 'PractitionerRole.practitioner' and s.target_type = 'Practitioner'
         and s.target_id = substr(person.fhir_user, 14) and not r.deleted
         and not exists (select from search_token t where t.rid = r.rid and t.param = 'PractitionerRole.active' and t.code = 'false'));
    names := array[person.fhir_user]
      || array(select 'PractitionerRole/' || id from record where rid = any(roles))
      || array(select 'Organization/' || target_id from search_reference
                where rid = any(roles) and param = 'PractitionerRole.organization' and target_type = 'Organization');
    found.emergency := array(
      select distinct e.patient_id from emergency_access e join restricted_patient p on p.patient_id = e.patient_id
       where e.account_id = person.id and e.until > now() and not p.readers && names);
    found.hidden := array(
      select patient_id from restricted_patient where not readers && names and patient_id <> all(found.emergency));
    return found;
  end $$`;
