/** What a swarm needs of the chunks on this machine, wherever they lie: staged, or in the store's paths. */

export interface ChunkStore {
  /** Whether the chunk can be read here, as far as is known without reading it. */
  has(number: number): boolean
  /**
   * The chunk's normalised bytes, verified against its hash; nothing when it is not here after all (collected, damaged),
   * and then `has` says so from there on.
   */
  read(number: number): Promise<Uint8Array | undefined>
  /** Stages a chunk whose hash was verified, unless nobody waits for it and there is no room. Rejects with a StagingError `disk-full` beyond the disk or its budget. */
  put(number: number, bytes: Uint8Array): Promise<void>
}
