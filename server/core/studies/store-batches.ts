import type { World } from '../world.ts';
import { Problem } from '../problem.ts';
import type { Principal } from '../principal.ts';
import type { InstanceOutcome } from './outcome.ts';
import { discardInstance, headerSize, type ArrivingInstance } from './receive-instance.ts';
import { storeInstances, type StoreOptions } from './store-instance.ts';

/** Instances that are stored in one transaction; each batch makes one version of the ImagingStudy. */
const mostInstances = 2000;
/** Characters of their headers' JSON, which are in memory until the batch is stored. */
const mostHeaders = 32 << 20;
/** Bytes that the data sets of one request may become when they are inflated: deflate makes a thousand of one. */
const mostInflated = 1 << 30;
/** Instances that may have arrived without having been read: until then nobody knows how long their headers are. */
const mostUnread = 4;

/**
 * The instances of one request, stored batch by batch as they arrive, so that what is in memory stays bounded
 * however many there are and however long their headers.
 */
export class StoreBatches {
  readonly outcomes: InstanceOutcome[] = [];
  readonly #world: World;
  readonly #principal: Principal;
  readonly #options: StoreOptions;
  #arriving: ArrivingInstance[] = [];
  #read = 0;
  #headers = 0;
  #inflated = 0;

  constructor(world: World, principal: Principal, options: StoreOptions) {
    this.#world = world;
    this.#principal = principal;
    this.#options = options;
  }

  /**
   * Takes an instance over; resolves when another one may come.
   * @throws as `storeInstances`; `too-long` for too much that is inflated.
   */
  async add(instance: ArrivingInstance): Promise<void> {
    this.#arriving.push(instance);
    while (this.#arriving.length - this.#read > mostUnread) await this.#weighNext();
    if (this.#arriving.length >= mostInstances || this.#headers > mostHeaders) await this.flush();
  }

  /** Stores what is left. */
  async flush(): Promise<void> {
    while (this.#read < this.#arriving.length) await this.#weighNext();
    const batch = this.#arriving;
    this.#arriving = [];
    [this.#read, this.#headers] = [0, 0];
    if (batch.length === 0) return;
    const { instances } = await storeInstances(this.#world, this.#principal, batch, this.#options);
    for (const outcome of instances) this.outcomes.push(outcome);
  }

  /** Waits until the next one has been read, and counts what it costs. */
  async #weighNext(): Promise<void> {
    const next = this.#arriving[this.#read++]!;
    const read = 'refused' in next ? next.refused : await next.reading;
    if (read instanceof Problem) return;
    this.#headers += headerSize(read);
    this.#inflated += read.inflated?.size ?? 0;
    if (this.#inflated > mostInflated)
      throw new Problem('too-long', 'The deflated data sets of one request are too long together; send fewer at once');
  }

  /** Drops what is not stored yet. */
  async discard(): Promise<void> {
    await Promise.all(this.#arriving.splice(0).map((instance) => discardInstance(this.#world, instance)));
  }
}
