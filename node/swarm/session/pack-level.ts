/** How hard chunks for a peer are compressed: as hard as its link leaves time for. */

/** The usual level of zstd. */
export const quickLevel = 3
/**
 * Harder levels, the hardest first, and what each takes until it has been measured: milliseconds for each byte. Level 6 takes 7 % fewer
 * bytes than level 3, level 9 another 2 to 3 %.
 */
const hardLevels = [
  { level: 9, msPerByte: 100 / 1e6 },
  { level: 6, msPerByte: 50 / 1e6 },
] as const
/** Each chunk counts for this part of what is known. */
const newest = 0.1
/** What is known of a level is forgotten at this rate while it isn't used: a busy processor may be idle again. */
const forgotten = 0.005

export class PackLevel {
  readonly #msPerByte = new Map<number, number>(hardLevels.map(({ level, msPerByte }) => [level, msPerByte]))
  /** What remains of a chunk's bytes. */
  #ratio = 0.5

  /**
   * The level for the next chunk: the hardest one at which compressing takes at most half as long as the link takes for what
   * remains, so the link hardly waits. `rate`: of the link, in bytes per second; undefined if it isn't known.
   */
  levelFor(rate: number | undefined): number {
    if (rate === undefined) return quickLevel
    const mostMsPerByte = (this.#ratio * 1000) / rate / 2
    return hardLevels.find(({ level }) => (this.#msPerByte.get(level) ?? 0) <= mostMsPerByte)?.level ?? quickLevel
  }

  /** A chunk of so many bytes was compressed to so many, in so many milliseconds. */
  add(used: number, { whole, packed, milliseconds }: { whole: number; packed: number; milliseconds: number }): void {
    if (whole === 0) return
    this.#ratio += newest * (packed / whole - this.#ratio)
    for (const { level, msPerByte } of hardLevels) {
      const known = this.#msPerByte.get(level) ?? msPerByte
      const next = level === used ? newest * (milliseconds / whole - known) : forgotten * (msPerByte - known)
      this.#msPerByte.set(level, known + next)
    }
  }
}
