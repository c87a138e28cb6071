/** The bundled program that the lab's devices run, made once for each test process. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../scripts/src/bundle.ts'

const repository = join(import.meta.dirname, '../..')
/** Where machines see it; modules beside it, as in a package. */
const inMachine = '/opt/thymesh'

export interface LabProgram {
  /** The files of this computer that a machine has to see. */
  readonly binds: readonly { from: string; to: string }[]
  /** The command line that starts it there, without arguments. */
  readonly argv: readonly string[]
}

let made: Promise<LabProgram> | undefined

/** The program as devices have it; the first call bundles it, in some seconds. */
export function labProgram(): Promise<LabProgram> {
  made ??= make()
  return made
}

async function make(): Promise<LabProgram> {
  const directory = mkdtempSync(join(tmpdir(), 'thymesh-lab-program-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  await bundle(join(directory, 'dist'), { page: false })
  return {
    binds: [
      { from: join(directory, 'dist'), to: `${inMachine}/dist` },
      { from: join(repository, 'node_modules'), to: `${inMachine}/node_modules` },
    ],
    argv: [`${inMachine}/dist/thymesh`],
  }
}
