import type { ModelState } from './model-states.ts';
import type { FoundModel, ModelChange, Places, RefusedModel, RegisteredModel } from './registered-model.ts';

/** The model folders of this machine, and which of their models run. */
export interface ModelFiles {
  /**
   * Looks at all folders; a model that is not `known` must pass the self-test too. Never throws for a bad folder.
   * @param options.again makes the self-test again also where it failed before (the default).
   */
  scan(known: ReadonlySet<string>, options?: { again: boolean }): Promise<void>;
  found(): FoundModel[];
  refused(): RefusedModel[];
  /**
   * Starts a model ahead for a place, so that what cannot run does not come there. Call `discard` if it does not.
   * `provider` is what it will run on, if this process runs it.
   * @throws Problem `business-rule` if its files are not here, were altered, or fail the self-test.
   */
  prepare(
    digest: string,
    place: 'active' | 'shadow',
  ): Promise<{ provider: string | undefined; discard(): void | Promise<void> }>;
  /**
   * Lets the places serve these models; what they served before ends with its last image.
   * @param registered what the registry says of them, for a process that has not their files.
   */
  serve(places: Places, registered?: readonly RegisteredModel[]): Promise<void>;
  /** A place lacks the model that it should serve, as `serve` found last: it is worth another try. */
  lacking(): boolean;
}

/** The registry of models: state and append-only history. */
export interface ModelStore {
  /** Until the transaction ends nobody else changes the registry. */
  lock(): Promise<void>;
  all(): Promise<RegisteredModel[]>;
  /** The state, which stays so until the transaction ends; undefined for an unknown model. */
  stateOf(digest: string): Promise<ModelState | undefined>;
  /** Digest of the shadow, if there is one. */
  shadow(): Promise<string | undefined>;
  /** Changes a state and appends it to the history; with `added` the model is new. */
  change(
    change: Omit<ModelChange, 'revision' | 'at'>,
    added?: Pick<RegisteredModel, 'description' | 'evaluation'>,
  ): Promise<void>;
  /** Newest first. */
  changes(): Promise<ModelChange[]>;
  /** Rises with every change, so that other processes see that there was one. */
  revision(): Promise<number>;
}
