import { everything } from '../../access/narrowing.ts';
import type { Principal } from '../../principal.ts';
import type { World } from '../../world.ts';
import type { ArrivingInstance } from '../receive-instance.ts';
import { StoreBatches } from '../store-batches.ts';
import type { StoreOptions } from '../store-instance.ts';
import type { ImageOwner } from './image-owner.ts';
import { mayBecome } from './upload-limits.ts';
import { outcomeOf, type FileOutcome } from './upload-outcome.ts';
import type { UploadRefusal } from './upload-ports.ts';

type Way = ImageOwner['others'];

/** What one file of an upload is: settled already, or at a place among what is stored. */
export type Piece = { settled: FileOutcome } | { way: Way; at: number; tried: boolean; blob?: string };

export function refused(why: UploadRefusal, more: Partial<FileOutcome> = {}): Piece {
  return { settled: { state: 'refused', why, ...more } };
}

/** The images of one request of one patient, stored together, so that a study of them is written and announced once. */
export class StoringBatch {
  readonly patientId: string;
  readonly #world: World;
  readonly #ways: Record<Way, StoreBatches>;
  readonly #counts: Record<Way, number> = { own: 0, refuse: 0, confirmed: 0 };
  #pictures = 0;
  /** Bytes of the uploads in hand, and of the images that were made of pictures among them. */
  #came = 0;
  #made = 0;

  constructor(
    world: World,
    principal: Principal,
    patientId: string,
    options: Pick<StoreOptions, 'requestId' | 'sourceAddress' | 'onFault'>,
  ) {
    const way = (others: Way) =>
      new StoreBatches(world, principal, { ...options, event: 'portal:upload', owner: { patientId, others } });
    this.patientId = patientId;
    this.#world = world;
    this.#ways = { own: way('own'), refuse: way('refuse'), confirmed: way('confirmed') };
  }

  /** Instance Number of the next picture. */
  nextNumber(): number {
    return ++this.#pictures;
  }

  /** An upload is in hand. */
  came(bytes: number): void {
    this.#came += bytes;
  }

  /** An image was made of a picture. */
  made(bytes: number): void {
    this.#made += bytes;
  }

  get bytesMade(): number {
    return this.#made;
  }

  /** Pictures became more than what came may become: no more of them are decoded. */
  get isOvergrown(): boolean {
    return this.#made > mayBecome(this.#came);
  }

  /** @throws as `StoreBatches.add`. */
  async add(arriving: ArrivingInstance, way: Way, tried: boolean): Promise<Piece> {
    const at = this.#counts[way]++;
    const blob = 'received' in arriving ? arriving.received.digest : undefined;
    await this.#ways[way].add(arriving);
    return { way, at, tried, ...(blob !== undefined && { blob }) };
  }

  /** Stores what is left. */
  async flush(): Promise<void> {
    for (const batches of Object.values(this.#ways)) await batches.flush();
  }

  /** Drops what is not stored. */
  async discard(): Promise<void> {
    for (const batches of Object.values(this.#ways)) await batches.discard();
  }

  async outcome(piece: Piece): Promise<FileOutcome> {
    if ('settled' in piece) return piece.settled;
    const stored = this.#ways[piece.way].outcomes[piece.at]!;
    const outcome = outcomeOf(stored, { made: piece.way === 'own', tried: piece.tried });
    if (outcome.why !== 'other-study') return outcome;
    // Nothing can be added to the study; but the very image may be in it already.
    const { name } = stored;
    const image = name && (await this.#world.read(({ studies }) => studies.instance(name, everything)));
    const isThere = image?.patientId === this.patientId && image.blob === piece.blob;
    return isThere ? { state: 'duplicate', StudyInstanceUID: image.StudyInstanceUID } : outcome;
  }
}
