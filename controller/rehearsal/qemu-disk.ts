/** The disk of a NixOS machine in QEMU: copied from the image that Nix built, with a join token on it. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { runProgram } from '../../node/process/run-program.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { nixDirectory } from '../nix/nix-program.ts'

/** Copying a disk of many GB. */
const diskMs = 900_000

/** Why a disk was not made. `disk-full`: there is no room. */
export class DiskError extends HintedError<'disk-full' | 'failed'> {}

/** Makes disk and firmware's variables in `place`, from what the start script has. Throws a DiskError. */
export async function copyDisk(program: string, place: string, signal?: AbortSignal): Promise<void> {
  await must(program, [place, 'prepare'], signal)
}

/** Puts a token on the disk, which the machine takes at its first start. It is on no other disk. Throws a DiskError. */
export async function putToken(
  disk: string,
  { token, name, site }: { readonly token: string; readonly name: string; readonly site: string | null },
  signal?: AbortSignal,
): Promise<void> {
  const folder = await temporaryFolder({ inMemory: true })
  try {
    const file = join(folder.path, 'token')
    await writeFile(file, token, { mode: 0o600 })
    const script = join(nixDirectory, 'nixos/add-join-token.sh')
    await must('sh', [script, disk, file, name, ...(site === null ? [] : [site])], signal)
  } finally {
    await folder.remove()
  }
}

async function must(file: string, args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const options = { timeoutMs: diskMs, lines: 10, ...(signal && { signal }) }
  const { code, errors } = await runProgram(file, args, options).catch(thrown => ({
    code: null,
    errors: [messageOf(thrown)],
  }))
  if (code === 0) return
  const why = errors.join('\n')
  const hint = 'It takes sfdisk and mtools: apt-get install fdisk mtools. Then run this again: nothing of it is left.'
  throw new DiskError(/No space left/.test(why) ? 'disk-full' : 'failed', why, { hint })
}
