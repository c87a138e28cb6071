/** `node test/store/nar-memory.ts FILES`: the memory that serving a path of so many small files takes, as JSON. */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { FileHandles } from '../../node/store/nar/file-handles.ts'
import { layOutNar } from '../../node/store/nar/nar-layout.ts'
import { NarReader } from '../../node/store/nar/nar-reader.ts'

const filesPerDirectory = 1_000
const [count = '', tree] = process.argv.slice(2)

/** The second run, with the flags of devices, that measures itself. */
async function measure(directory: string): Promise<object> {
  const idle = process.memoryUsage.rss()
  let peak = idle
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  const timer = setInterval(look, 5)
  const layout = await layOutNar(directory)
  const handles = new FileHandles()
  for await (const _ of new NarReader(layout, handles).stream()) look()
  clearInterval(timer)
  await handles.closeUnused()
  return { files: Number(count), nar: layout.size, table: layout.memoryBytes, idle, aboveIdle: peak - idle }
}

async function run(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-nar-memory-'))
  try {
    for (let file = 0; file < Number(count); file++) {
      const at = join(directory, `directory-${Math.floor(file / filesPerDirectory)}`)
      if (file % filesPerDirectory === 0) await mkdir(at)
      await writeFile(join(at, `some-module-file-${file}.js`), `${file};`.repeat(60))
    }
    const flags = JSON.parse(await readFile(new URL('../../nix/node-flags.json', import.meta.url), 'utf8')) as string[]
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, import.meta.filename, count, directory])
    process.stdout.write(stdout)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

if (tree === undefined) await run()
else process.stdout.write(`${JSON.stringify(await measure(tree))}\n`)
