/** The parts of packages that the bundle leaves out: devices would hold them in memory and hardly use them. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'

/** Zod's messages in fifty languages, of which it uses one. */
export const zodInEnglish: Plugin = {
  name: 'zod-in-english',
  setup: build =>
    build.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
    })),
}

/** Noise's WebAssembly, and what it does in JavaScript. */
export const nativeCipher: Plugin = {
  name: 'native-cipher',
  setup: build => {
    const path = join(import.meta.dirname, 'native-cipher.ts')
    build.onResolve({ filter: /^@chainsafe\/as-(chacha20poly1305|sha256)$/ }, () => ({ path }))
    build.onLoad({ filter: /\/libp2p-noise\/dist\/src\/crypto\/js\.js$/ }, () => ({
      contents: `export { pureJsCrypto } from ${JSON.stringify(path)}`,
    }))
  },
}

/** What ssh2 compiles where it is installed, if it may: it does without, and a bundle is the same wherever it is made. */
export const ssh2WithoutNative: Plugin = {
  name: 'ssh2-without-native',
  setup: build => {
    build.onResolve({ filter: /^cpu-features$|\/sshcrypto\.node$/ }, ({ path }) => ({ path, namespace: 'absent' }))
    build.onLoad({ filter: /.*/, namespace: 'absent' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in the bundle`)})`,
    }))
  },
}

/**
 * Node's `http` and `process` without what hangs on them. As an ES module, each of their exports is read once, also those that Node makes on
 * demand: `WebSocket` and its like, with all of undici, HTTP/2 and web streams behind them; standard input, reports, permissions. It took 4 MiB
 * of a daemon.
 */
export const builtinsAlone: Plugin = {
  name: 'builtins-alone',
  setup: build => {
    build.onResolve({ filter: /^(node:)?(http|process)$/ }, ({ path }) => {
      return { path: path.replace('node:', ''), namespace: 'builtin' }
    })
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${path}')`,
    }))
  },
}

/** Each entry's bytes in the file, little-endian. */
const entryLength = 3

/**
 * kad-dht's list of 65,536 key prefixes, for looking up random keys: it reads a few of them every five minutes. They stay on
 * disk, in a file of the bundle.
 */
export function kadPrefixes(into: string): Plugin {
  const name = 'kad-prefixes.bin'
  return {
    name: 'kad-prefixes',
    setup: build =>
      build.onLoad({ filter: /\/kad-dht\/dist\/src\/routing-table\/generated-prefix-list\.js$/ }, async ({ path }) => {
        const { default: prefixes }: { default: number[] } = await import(pathToFileURL(path).href)
        const bytes = Buffer.alloc(prefixes.length * entryLength)
        for (const [index, prefix] of prefixes.entries()) bytes.writeUIntLE(prefix, index * entryLength, entryLength)
        await writeFile(join(into, name), bytes)
        const contents = `
          import { closeSync, openSync, readSync } from 'node:fs'
          const file = new URL('./${name}', import.meta.url)
          function read(index) {
            const entry = Buffer.alloc(${entryLength})
            const handle = openSync(file)
            try {
              readSync(handle, entry, 0, entry.length, index * entry.length)
            } finally {
              closeSync(handle)
            }
            return entry.readUIntLE(0, entry.length)
          }
          export default new Proxy([], { get: (_, index) => read(Number(index)) })`
        return { contents, loader: 'js' }
      }),
  }
}
