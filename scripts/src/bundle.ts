/**
 * Bundles the program: a device starts a few files instead of a thousand modules, which costs it a third of the CPU and a
 * fifth of the memory.
 */

import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build, type Plugin } from 'esbuild'
import { builtinsAlone, kadPrefixes, nativeCipher, ssh2WithoutNative, zodInEnglish } from './bundle-lean.ts'

const repository = resolve(import.meta.dirname, '../..')
const dist = join(repository, 'dist')
/** Where the bundle has the built web page. */
const pageFolder = 'page'

/** How Node is started for a daemon that idles small. */
export interface NodeOptions {
  readonly flags: readonly string[]
  /** Of glibc's allocator: large blocks are given back when they are freed. The daemon's children don't get it. */
  readonly env: Readonly<Record<string, string>>
}

/** The device's package reads the same files. */
export async function nodeOptions(): Promise<NodeOptions> {
  const read = async (file: string) => JSON.parse(await readFile(join(repository, 'nix', file), 'utf8'))
  return { flags: await read('node-flags.json'), env: await read('node-env.json') }
}

/** Makes the bundle, in `dist` or the folder given; gives the program that starts it. Machines of tests do without the page. */
export async function bundle(into = dist, { page = true } = {}): Promise<string> {
  await rm(into, { recursive: true, force: true })
  await mkdir(into, { recursive: true })
  const workers = new Set<string>()
  await make(join(repository, 'controller/main.ts'), 'thymesh', into, workers)
  // A thread is a program of its own; one of its modules may start more.
  for (const source of workers) await make(source, basename(source, '.ts'), into, workers)
  if (page) await buildPage(join(into, pageFolder))
  const { flags, env } = await nodeOptions()
  const launcher = join(into, 'thymesh')
  const lines = [
    '#!/bin/sh',
    '# The bundled thymesh, with the options of Node that devices use. Made by scripts/bundle.',
    'here=$(CDPATH= cd -P -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd -P)',
    // A package's own Node, the project's, or the system's.
    'node=$here/../node/bin/node',
    '[ -x "$node" ] || node=$here/../node_modules/.bin/node',
    '[ -x "$node" ] || node=node',
    '# A core dump would hold keys and secrets.',
    'ulimit -c 0',
    ...Object.entries(env).map(([name, value]) => `export ${name}=${value}`),
    `exec "$node" ${flags.join(' ')} "$here/thymesh.mjs" "$@"`,
  ]
  await writeFile(launcher, `${lines.join('\n')}\n`)
  await chmod(launcher, 0o755)
  return launcher
}

/**
 * A process of its own: Vite changes the environment of the one that it runs in. Its lock is for builds that share an output
 * folder; here each has its own, and two tests may bundle at a time.
 */
async function buildPage(into: string): Promise<void> {
  const vite = join(repository, 'node_modules/vite/bin/vite.js')
  const config = ['--config', join(repository, 'controller/web/vite.config.ts'), '--configLoader', 'native']
  const args = [vite, 'build', ...config, '--outDir', into, '--emptyOutDir', '--bypass-lock', '--logLevel', 'warn']
  await promisify(execFile)(process.execPath, args, { cwd: repository })
}

/** Code that a command doesn't need is in files of its own, which it doesn't load. */
async function make(source: string, name: string, into: string, workers: Set<string>): Promise<void> {
  const { metafile } = await build({
    // Names of files have a hash of paths: they must not depend on where the bundle is made from.
    absWorkingDir: repository,
    entryPoints: { [name]: source },
    outdir: into,
    outExtension: { '.js': '.mjs' },
    chunkNames: `${name}-[hash]`,
    bundle: true,
    splitting: true,
    metafile: true,
    platform: 'node',
    // An ES module where a package has one: jsonc-parser's other form (UMD) asks for its parts at run time.
    mainFields: ['module', 'main'],
    target: 'node24',
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'linked',
    logLevel: 'warning',
    // Native: it finds its binary beside its own package.
    external: ['classic-level'],
    // ssh2 names a program for Windows by its own folder.
    define: { __dirname: 'import.meta.dirname' },
    // CommonJS packages within an ES module still call require().
    banner: {
      js: "import{createRequire as __makeRequire}from'node:module';const require=__makeRequire(import.meta.url);",
    },
    plugins: [
      ...[zodInEnglish, nativeCipher, ssh2WithoutNative, builtinsAlone],
      ...[kadPrefixes(into), relativeUrls(workers, into)],
    ],
  })
  for (const output of Object.keys(metafile.outputs)) {
    const file = resolve(repository, output)
    if (file.endsWith('.mjs')) await writeFile(file, asciiOnly(await readFile(file, 'utf8')))
  }
}

/** One other character makes V8 hold the whole text with two bytes for each; esbuild escapes all but regular expressions. */
function asciiOnly(text: string): string {
  return text.replace(/[^\0-\x7f]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * Sources that are started as threads are named by URL, which esbuild leaves as it is: they become files of the bundle. So
 * do scripts that lie beside a source. The built page is a folder of the bundle; `nix/` stays where it is, beside the
 * bundle's own.
 */
function relativeUrls(workers: Set<string>, into: string): Plugin {
  const url = /new URL\('(\.[^']+\.ts)', import\.meta\.url\)/g
  const nix = /new URL\('(?:\.\.\/)+nix', import\.meta\.url\)/g
  const page = /new URL\('\.\/dist', import\.meta\.url\)/g
  const script = /new URL\('\.\/([^']+\.sh)', import\.meta\.url\)/g
  return {
    name: 'relative-urls',
    setup: build =>
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        for (const [, name = ''] of text.matchAll(script)) await copyFile(join(dirname(path), name), join(into, name))
        const contents = text
          .replace(url, (_, name: string) => {
            const source = resolve(dirname(path), name)
            workers.add(source)
            return `new URL('./${basename(source, '.ts')}.mjs', import.meta.url)`
          })
          .replace(nix, () => "new URL('../nix', import.meta.url)")
          .replace(page, () => `new URL('./${pageFolder}', import.meta.url)`)
        return { contents, loader: 'ts' }
      }),
  }
}

if (import.meta.main) await bundle()
