/** What this computer lacks to boot machines: rights, and programs. */

import { readFileSync } from 'node:fs'
import { runProgram } from '../../node/process/run-program.ts'

/** CAP_SYS_ADMIN's bit: mounts and namespaces, which root in a plain container lacks. */
const capSysAdmin = 21n

/** Debian's packages with all of these programs. */
const packages = 'systemd-container util-linux iproute2 e2fsprogs git fdisk mtools'

/** The first thing that is missing, in words, with what to do; nothing where all is there. `what` begins the sentence. */
export async function lacksForMachines(
  what: string,
  programs: readonly string[],
): Promise<{ readonly words: string; readonly hint: string } | undefined> {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  if (process.getuid?.() !== 0 || ((BigInt(`0x${effective}`) >> capSysAdmin) & 1n) === 0n) {
    return {
      words: `${what} boots a machine, which takes root with CAP_SYS_ADMIN`,
      hint: 'Run it as root in a virtual machine or on the computer itself, with THYMESH_HOME naming your own folder of fleets.',
    }
  }
  for (const program of programs) {
    const found = await runProgram('sh', ['-c', `command -v ${program}`], { timeoutMs: 10_000, lines: 1 })
    if (found.code !== 0) {
      return { words: `${what} needs ${program}, which is not here`, hint: `Install it: apt-get install ${packages}.` }
    }
  }
  return undefined
}
