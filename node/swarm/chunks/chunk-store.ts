/** A closure's local chunks as a swarm uses them, whether staged or in store paths. */

export interface ChunkStore {
  /** Whether the chunk is available here, as far as is known without reading it. */
  has(number: number): boolean
  /**
   * The chunk's normalised bytes, verified against its hash; undefined if it turns out to be missing (collected,
   * damaged), and from then on `has` returns false.
   */
  read(number: number): Promise<Uint8Array | undefined>
  /**
   * Stages a verified chunk; drops it if no fetch has reserved it and space is short. Rejects with a StagingError
   * `disk-full` if the disk or the budget is full.
   */
  put(number: number, bytes: Uint8Array): Promise<void>
}

/** Several chunks at once. */
export interface ChunkRuns {
  /**
   * Reads chunks into `into`, one behind the other, and resolves to how many: those of the first ones that are staged and fit.
   * They are **not** verified. May be 0; no error.
   */
  readRun(numbers: Iterable<number>, into: Buffer): Promise<number>
}

/** What is told of local chunks that come and go by themselves. */
export interface ChunkChanges {
  /** They have turned up, as in a bundle that was attached. */
  readonly onFound: (numbers: readonly number[]) => void
  /** They have vanished, as in a garbage collection. */
  readonly onLost: (numbers: readonly number[]) => void
}
