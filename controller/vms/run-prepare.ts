/** Runs the program that fills a machine's disk, with the disk mounted where nobody else sees it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { jsonOf } from '../../protocol/encoding/json.ts'
import { HintedError } from '../../protocol/errors.ts'
import { prepareMs } from './limits.ts'
import { type PreparePlan, preparedSchema } from './prepare-plan.ts'
import { VmError } from './vm-error.ts'

/** It ends with us, and its mounts with it. */
const alone = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private']
const mounted = 'mount -o loop,noatime "$1" "$2" && shift 2 && exec "$@"'

/** `place` is the machine's folder. `token` goes to standard input, and nowhere else. Resolves to its peer ID, if it joined. */
export async function runPrepare(
  place: string,
  plan: Omit<PreparePlan, 'directory' | 'main'>,
  { token = '', signal }: { token?: string; signal: AbortSignal },
): Promise<string | null> {
  const directory = join(place, 'disk')
  const file = join(place, 'plan.json')
  const [main = ''] = process.argv.slice(1)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(file, JSON.stringify({ ...plan, directory, main } satisfies PreparePlan), { mode: 0o600 })
  const program = fileURLToPath(new URL('./vm-prepare.ts', import.meta.url))
  const work = [process.execPath, ...process.execArgv, program, file]
  const child = spawn('setpriv', [...alone, 'sh', '-c', mounted, 'sh', join(place, 'disk.img'), directory, ...work], {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(prepareMs)]),
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => {})
  child.stdin.end(token)
  const [said, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const answer = preparedSchema.safeParse(jsonOf(said)).data
  if (answer !== undefined && 'peer' in answer) return answer.peer
  const why = answer?.error.message ?? (errors.trim() || said.trim())
  if (/No space left|ENOSPC/.test(why)) throw full(why)
  if (answer !== undefined) throw new HintedError(answer.error.code, why, { hint: answer.error.hint })
  throw new VmError('vm-broken', `the disk of ${plan.name} could not be filled: ${why.slice(-2000)}`, {
    hint: 'Machines need loop devices and ext4: modprobe loop ext4. Look whether this computer has memory and disk left.',
  })
}

export function full(why: string): VmError {
  return new VmError('vm-full', `there is no room for the machine's disk: ${why.slice(-1000)}`, {
    hint: 'Make room, or name a folder on a larger disk with THYMESH_VMS; a disk that is too small is made larger with --disk.',
  })
}
