/** The machine as its checks ask it: files below a root, programs, free space and interfaces. Tests give another one. */

import { access, constants, statfs } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { runProgram } from '../../node/process/run-program.ts'

export interface System {
  /** `/` but in tests. */
  readonly root: string
  /** What a program prints on both outputs, and its exit code; nothing where there is no such program. */
  run(program: string, args: readonly string[]): Promise<{ code: number | null; text: string } | undefined>
  /** Free bytes at a place; nothing where it is not there. */
  free(path: string): Promise<number | undefined>
  mayWrite(path: string): Promise<boolean>
  /** Addresses that others can see. */
  addresses(): readonly string[]
}

const programMs = 10_000

export const thisSystem: System = {
  root: '/',
  run: async (program, args) => {
    const settings = { timeoutMs: programMs, lines: 20 }
    const ended = await runProgram(program, args, settings).catch(() => undefined)
    return ended && { code: ended.code, text: ended.output.join('\n').trim() }
  },
  free: async path => {
    const found = await statfs(path).catch(() => undefined)
    return found && found.bavail * found.bsize
  },
  mayWrite: async path =>
    await access(path, constants.W_OK).then(
      () => true,
      () => false,
    ),
  addresses: () =>
    Object.values(networkInterfaces()).flatMap(each =>
      (each ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
    ),
}
