/** Real Nix stores in temporary folders, filled without building anything, for tests. */
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NixStore } from '../../node/store/local/nix-store.ts'
import type { StoreDaemonInit } from '../../node/store/local/store-daemon.ts'
import { encodeNix32 } from '../../protocol/nix/base32.ts'

const run = promisify(execFile)
const COMMAND_LIMIT_MS = 60_000
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024

/** Why tests with a real Nix cannot run here, or `false` if they can; never skips under `CI=true`. */
export async function missingNix(): Promise<string | false> {
  try {
    await run('nix-store', ['--version'], { timeout: COMMAND_LIMIT_MS })
    return false
  } catch (thrown) {
    if (process.env.CI === 'true') throw thrown
    return 'needs nix-store (scripts/setup installs it)'
  }
}

/** A store of its own under a root folder, worked on with Nix's own programs. */
export class RealStore {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Runs `nix-store` on this store. */
  async nixStore(...args: string[]): Promise<string> {
    const all = ['--store', `local?root=${this.root}`, '--option', 'substitute', 'false', ...args]
    return (await run('nix-store', all, { timeout: COMMAND_LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES })).stdout
  }

  async isValid(path: string): Promise<boolean> {
    return this.nixStore('--check-validity', path).then(
      () => true,
      () => false,
    )
  }

  /** What Nix makes of a path's files. */
  dump(path: string): Promise<Buffer> {
    return dump(this.root + path)
  }

  /**
   * Adds a path with references, as a build would have, by writing its files and its entry in the database.
   * `{out}` in `references` stands for the path itself.
   */
  async add(
    name: string,
    fill: (at: string, path: string) => Promise<void>,
    references: string[] = [],
  ): Promise<string> {
    const path = `/nix/store/${encodeNix32(randomBytes(20))}-${name}`
    const at = this.root + path
    await mkdir(join(this.root, 'nix/store'), { recursive: true })
    await fill(at, path)
    const nar = await dump(at)
    const all = references.map(reference => (reference === '{out}' ? path : reference))
    const hash = createHash('sha256').update(nar).digest('hex')
    await this.#loadDb([path, hash, nar.length, '', all.length, ...all, ''].join('\n'))
    return path
  }

  /** A path of one text file. */
  addText(name: string, text: string, references: string[] = []): Promise<string> {
    return this.add(name, at => writeFile(at, text), references)
  }

  /** Signs paths as `nix store sign` does. */
  async sign(keyFile: string, ...paths: string[]): Promise<void> {
    await run(
      'nix',
      [
        '--extra-experimental-features',
        'nix-command',
        'store',
        'sign',
        '--store',
        `local?root=${this.root}`,
        '-k',
        keyFile,
        ...paths,
      ],
      { timeout: COMMAND_LIMIT_MS },
    )
  }

  async #loadDb(registration: string): Promise<void> {
    const child = spawn('nix-store', ['--store', `local?root=${this.root}`, '--load-db'], {
      stdio: ['pipe', 'ignore', 'pipe'],
      timeout: COMMAND_LIMIT_MS,
    })
    let stderr = ''
    child.stderr.on('data', data => {
      stderr += data
    })
    child.stdin.end(registration)
    const code = await new Promise(resolve => child.on('close', resolve))
    if (code !== 0) throw new Error(`nix-store --load-db ended with ${code}: ${stderr}`)
  }
}

/** The stores of one test; all of it goes when the test ends. */
export class Stores {
  readonly dir: string
  readonly #opened: NixStore[] = []

  private constructor(dir: string) {
    this.dir = dir
  }

  static async of(t: { after(undo: () => Promise<void>): void }): Promise<Stores> {
    const stores = new Stores(await mkdtemp(join(tmpdir(), 'thymesh-store-')))
    t.after(() => stores.#end())
    return stores
  }

  real(name: string): RealStore {
    return new RealStore(join(this.dir, name))
  }

  /** The store under test, on a root that may be new. */
  async open(root: string, init: Omit<StoreDaemonInit, 'root'> = {}): Promise<NixStore> {
    const store = new NixStore({}, { ...init, root })
    this.#opened.push(store)
    await store.start()
    return store
  }

  /** A key pair made by Nix: the secret's file and the public key's text. */
  async key(name: string): Promise<{ file: string; publicKey: string }> {
    const file = join(this.dir, name)
    await run('nix-store', ['--generate-binary-cache-key', name, file, `${file}.pub`], { timeout: COMMAND_LIMIT_MS })
    return { file, publicKey: await readFile(`${file}.pub`, 'utf8') }
  }

  async #end(): Promise<void> {
    await Promise.all(this.#opened.map(store => store.stop()))
    await removeTree(this.dir)
  }
}

/** Removes a folder with stores in it: what is in a store is read-only. */
export async function removeTree(dir: string): Promise<void> {
  await run('chmod', ['-R', 'u+w', dir]).catch(() => {})
  await rm(dir, { recursive: true, force: true })
}

async function dump(at: string): Promise<Buffer> {
  const options = { timeout: COMMAND_LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES, encoding: 'buffer' } as const
  return (await run('nix-store', ['--dump', at], options)).stdout
}
