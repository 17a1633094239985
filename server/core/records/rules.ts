import type { Resource, ResourceType } from '@medplum/fhirtypes';

export interface Change<Context> {
  context: Context;
  /** Undefined for a creation, and for the update of a deleted record. */
  before: Resource | undefined;
  after: Resource;
}

/** What a change must satisfy, and what follows from it, for one resource type. Runs inside the transaction. */
export type Rule<Context> = (change: Change<Context>) => Promise<{
  /** What is stored: `after`, perhaps completed. */
  resource: Resource;
  /** Runs when the record is stored, in the same transaction. */
  afterwards?: () => Promise<void>;
}>;

export interface ClientRules<Context> {
  /**
   * @returns what goes on to be stored: `after`, perhaps completed.
   * @throws Problem `forbidden`, `business-rule` naming what to do instead.
   */
  change(context: Context, before: Resource | undefined, after: Resource): Promise<Resource>;
  /**
   * @throws Problem `conflict` for a record that is needed (FHIR http.html#delete: 409), `forbidden` for one that only
   *   the server writes.
   */
  removal(context: Context, before: Resource): Promise<void>;
}

/**
 * The rules that the record store is given (`clinical-rules.ts`); it knows none by itself. They run for FHIR clients
 * and for the server's own work alike; what they refuse is refused everywhere.
 */
export interface RecordRules<Context> {
  /** What is locked before a record of that type and id is, so that all who change what belongs together wait in one line. */
  lockFirst: Readonly<Partial<Record<ResourceType, (context: Context, id: string) => Promise<void>>>>;
  /** Creations and updates, by type. */
  change: Readonly<Partial<Record<ResourceType, Rule<Context>>>>;
  /** What a client may do, whatever its scope; asked before the type's own rule, and never for the server's own work. */
  ofClients: ClientRules<Context>;
  /** Types that a client cannot create under an id of its own (FHIR http.html#upsert): they get theirs from the server. */
  serverIds: ReadonlySet<ResourceType>;
}
