/** What is asked for of a new virtual machine, and what the fleet and the project learn of it. */

export interface VmWish {
  readonly name: string
  readonly config: string
  readonly site: string | null
  readonly memoryMegabytes: number
  readonly diskMegabytes: number
  /** The directory to boot from; null for this computer's own programs. */
  readonly base: string | null
}

/** What the fleet and the project learn of it. */
export interface VmMembership {
  /** A token for this one machine, and the peers that it dials first. */
  token(): Promise<{ readonly token: string; readonly bootstrap: string[] }>
  /** Its file in the project; gives the files that were written. */
  declare(): Promise<string[]>
  /** Takes both back. */
  forget(): Promise<void>
}
