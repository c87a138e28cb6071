/** Memory that a fleet's members add to an idle peer: a process with the options of devices, with and without them in its state. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { testSigner } from '../../../../test/helpers/fleet.ts'
import { LargeFleet } from '../../../../test/helpers/large-fleet.ts'
import { Mesh } from '../../../../test/helpers/mesh.ts'
import type { Bench } from '../bench.ts'

const usedSchema = z.object({
  /** Of JavaScript, once there is no garbage. */
  heap: z.int(),
  external: z.int(),
  /** Of the whole process, without pages of files. */
  anonymous: z.int(),
  startMs: z.number(),
})
type Used = z.infer<typeof usedSchema>

interface MembersMemory {
  readonly without: Used
  readonly with: Used
  /** Bytes of JavaScript that the members add, and bytes of the process. */
  readonly added: number
  readonly addedToProcess: number
}

export async function membersMemory(bench: Bench, size: number, stack: AsyncDisposableStack): Promise<MembersMemory> {
  const large = new LargeFleet(size)
  const mesh = await Mesh.of({ after: stop => void stack.defer(stop) })
  const measure = async (word: string, isFilled: boolean) => {
    const made = await mesh.make({
      word,
      fleet: large.fleet,
      ...(isFilled && { fill: state => large.fill(state.database, 1) }),
    })
    await made.stopAll()
    const certificate = large.fleet.certify(testSigner(word), { name: word })
    return await usedBy(bench, [
      join(mesh.directory, word),
      large.fleet.fleet,
      Buffer.from(certificate).toString('hex'),
    ])
  }
  const [without, filled] = [await measure('alone', false), await measure('informed', true)]
  return {
    without,
    with: filled,
    added: filled.heap + filled.external - without.heap - without.external,
    addedToProcess: filled.anonymous - without.anonymous,
  }
}

async function usedBy({ node: { flags, env } }: Bench, init: readonly string[]): Promise<Used> {
  const program = join(import.meta.dirname, 'members-memory-program.ts')
  const child = spawn(process.execPath, ['--expose-gc', ...flags, program, ...init], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return usedSchema.parse(JSON.parse(said))
}
