/** The table of a NAR: a few numbers and a name for each node, from which its bytes are made again piece by piece. */
import { paddingOf, WireMessage } from '../worker/worker-wire.ts'

/** A file's content lies between the head and the tail of its node; other nodes are a head alone. */
export interface NarNode {
  /** Where it begins in the NAR. */
  readonly start: number
  readonly head: Buffer
  readonly contentBytes: number
  readonly tail: Buffer
}

const words = (...texts: (string | Uint8Array)[]) =>
  texts.reduce<WireMessage>((message, text) => message.string(text), new WireMessage()).bytes()

// The format: figure 5.2 of Eelco Dolstra's thesis; `libutil/archive.cc`.
const magicToken = words('nix-archive-1')
const regularToken = words('(', 'type', 'regular')
const executableToken = words('executable', '')
const contentsToken = words('contents')
const symlinkToken = words('(', 'type', 'symlink', 'target')
const directoryToken = words('(', 'type', 'directory')
const entryToken = words('entry', '(', 'name')
const nodeToken = words('node')
const closeToken = words(')')
const nothing = Buffer.alloc(0)
const zeros = Buffer.alloc(8)
const slash = Buffer.from('/')

/** A directory is two nodes: its begin and, after all that lies in it, its end. */
const kind = { begin: 0, end: 1, file: 2, executable: 3, symlink: 4 } as const

/** No directory: the node is the root. */
const noParent = -1

/** Of a layout's seven parts, whatever they hold: measured, 2 kB for a file alone. */
const fixedBytes = 2048

/** All nodes of one NAR in order, about 50 bytes each. */
export class NarLayout {
  /** The size of the whole NAR in bytes. */
  readonly size: number
  /** The number of nodes. */
  readonly count: number
  readonly #root: Buffer
  readonly #starts: Float64Array
  readonly #contents: Float64Array
  readonly #parents: Int32Array
  readonly #kinds: Uint8Array
  readonly #texts: Buffer
  readonly #textEnds: Float64Array

  constructor(table: NarTable, root: Buffer) {
    this.size = table.size
    this.count = table.count
    // Memory of their own: a small buffer would keep the slab that it is a part of.
    this.#root = owned(root)
    this.#starts = table.starts.slice(0, table.count)
    this.#contents = table.contents.slice(0, table.count)
    this.#parents = table.parents.slice(0, table.count)
    this.#kinds = table.kinds.slice(0, table.count)
    this.#textEnds = table.textEnds.slice(0, table.count)
    this.#texts = owned(table.texts.subarray(0, table.textBytes))
  }

  /** All memory that it holds. */
  get memoryBytes(): number {
    const parts = [this.#root, this.#starts, this.#contents, this.#parents, this.#kinds, this.#texts, this.#textEnds]
    return parts.reduce((sum, { byteLength }) => sum + byteLength, fixedBytes)
  }

  /** The node that holds an offset of the NAR: binary search. */
  nodeAt(offset: number): number {
    let low = 0
    let high = this.count
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low
  }

  node(index: number): NarNode {
    const contentBytes = this.#contents[index] ?? 0
    const is = this.#kinds[index]
    const isRoot = this.#parents[index] === noParent
    return {
      start: this.#starts[index] ?? 0,
      head: headOf(is, this.#text(index), contentBytes, isRoot),
      contentBytes,
      tail: tailOf(is, contentBytes, isRoot),
    }
  }

  /** The absolute path of a file. */
  path(index: number): Buffer {
    const parts: Buffer[] = []
    for (let at = index; this.#parents[at] !== noParent; at = this.#parents[at] ?? 0)
      parts.unshift(slash, this.#text(at))
    return Buffer.concat([this.#root, ...parts])
  }

  #text(index: number): Buffer {
    return this.#texts.subarray(index === 0 ? 0 : this.#textEnds[index - 1], this.#textEnds[index])
  }
}

/** The text of a symlink is its name and its target, with a zero between them, which neither can have. */
function headOf(is: number | undefined, text: Buffer, contentBytes: number, isRoot: boolean): Buffer {
  if (is === kind.end) return Buffer.concat(isRoot ? [closeToken] : [closeToken, closeToken])
  const zero = is === kind.symlink ? text.indexOf(0) : text.length
  const before = isRoot ? [magicToken] : [entryToken, words(text.subarray(0, zero)), nodeToken]
  if (is === kind.begin) return Buffer.concat([...before, directoryToken])
  if (is === kind.symlink) {
    const close = isRoot ? [closeToken] : [closeToken, closeToken]
    return Buffer.concat([...before, symlinkToken, words(text.subarray(zero + 1)), ...close])
  }
  const length = Buffer.allocUnsafe(8)
  length.writeBigUInt64LE(BigInt(contentBytes))
  const mode = is === kind.executable ? [executableToken] : []
  return Buffer.concat([...before, regularToken, ...mode, contentsToken, length])
}

function tailOf(is: number | undefined, contentBytes: number, isRoot: boolean): Buffer {
  if (is !== kind.file && is !== kind.executable) return nothing
  return Buffer.concat([zeros.subarray(0, paddingOf(contentBytes)), closeToken, ...(isRoot ? [] : [closeToken])])
}

/** A table that grows as a tree is walked. */
export class NarTable {
  size = 0
  count = 0
  textBytes = 0
  starts = new Float64Array(64)
  contents = new Float64Array(64)
  parents = new Int32Array(64)
  kinds = new Uint8Array(64)
  textEnds = new Float64Array(64)
  texts = new Uint8Array(1024)

  /** Begins a directory, and returns what its entries name as their parent. The root has none. */
  begin(parent: number | undefined, name: Buffer): number {
    return this.#add(kind.begin, parent, name, 0)
  }

  end(parent: number | undefined): void {
    this.#add(kind.end, parent, nothing, 0)
  }

  file(parent: number | undefined, name: Buffer, bytes: number, executable: boolean): void {
    this.#add(executable ? kind.executable : kind.file, parent, name, bytes)
  }

  symlink(parent: number | undefined, name: Buffer, target: Buffer): void {
    this.#add(kind.symlink, parent, Buffer.concat([name, zeros.subarray(0, 1), target]), 0)
  }

  /** The finished layout of the tree at a real path. */
  layout(root: Buffer): NarLayout {
    return new NarLayout(this, root)
  }

  #add(is: number, parent: number | undefined, text: Buffer, contentBytes: number): number {
    const index = this.count++
    if (this.count > this.starts.length) this.#grow()
    if (this.textBytes + text.length > this.texts.length) {
      this.texts = grown(this.texts, new Uint8Array(2 * (this.textBytes + text.length)))
    }
    this.texts.set(text, this.textBytes)
    this.textBytes += text.length
    this.starts[index] = this.size
    this.contents[index] = contentBytes
    this.parents[index] = parent ?? noParent
    this.kinds[index] = is
    this.textEnds[index] = this.textBytes
    const isRoot = parent === undefined
    this.size += headOf(is, text, contentBytes, isRoot).length + contentBytes + tailOf(is, contentBytes, isRoot).length
    return index
  }

  #grow(): void {
    const length = 2 * this.starts.length
    this.starts = grown(this.starts, new Float64Array(length))
    this.contents = grown(this.contents, new Float64Array(length))
    this.parents = grown(this.parents, new Int32Array(length))
    this.kinds = grown(this.kinds, new Uint8Array(length))
    this.textEnds = grown(this.textEnds, new Float64Array(length))
  }
}

function owned(bytes: Uint8Array): Buffer {
  return Buffer.from(new Uint8Array(bytes).buffer)
}

function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from)
  return to
}
