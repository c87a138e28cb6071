/** How hard chunks for a peer are compressed: as hard as its link leaves time for. */

/** zstd's levels: the usual one, and one that takes a tenth fewer bytes for three to five times the processor time. */
const quickLevel = 3
const thoroughLevel = 9
/** What the thorough level takes until it has been measured, in milliseconds for each byte: 100 ms a MB. */
const assumedMsPerByte = 100 / 1e6
/** Each chunk counts for this part of what is known. */
const newest = 0.1
/** At the quick level, what is known of the thorough one is forgotten at this rate: a busy processor may be idle again. */
const forgotten = 0.005

export class PackLevel {
  #msPerByte = assumedMsPerByte
  /** What remains of a chunk's bytes. */
  #ratio = 0.5

  /**
   * The level for the next chunk. It is the thorough one if compressing takes at most half as long as the link takes for what
   * remains; so the link hardly waits. `rate`: of the link, in bytes per second; undefined if it isn't known.
   */
  levelFor(rate: number | undefined): number {
    if (rate === undefined) return quickLevel
    const linkMsPerByte = (this.#ratio * 1000) / rate
    return this.#msPerByte <= linkMsPerByte / 2 ? thoroughLevel : quickLevel
  }

  /** A chunk of so many bytes was compressed to so many, in so many milliseconds. */
  add(level: number, { whole, packed, milliseconds }: { whole: number; packed: number; milliseconds: number }): void {
    if (whole === 0) return
    this.#ratio += newest * (packed / whole - this.#ratio)
    if (level === thoroughLevel) this.#msPerByte += newest * (milliseconds / whole - this.#msPerByte)
    else this.#msPerByte += forgotten * (assumedMsPerByte - this.#msPerByte)
  }
}
