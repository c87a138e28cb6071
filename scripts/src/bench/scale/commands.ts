/**
 * What `status` and `deploy` cost as commands, in a fleet that the controller knows from its state: from the start of the
 * process to its end, with what it starts.
 */

import { exitCodes } from '../../../../controller/cli/shell/output.ts'
import type { Bench } from '../bench.ts'
import { measured, type Taken } from '../program.ts'
import { Scratch } from '../scratch.ts'
import { largeProject } from './large-project.ts'

const limitMs = 300_000

/** Seconds and bytes of each. Nothing new is built by a deploy: its time is Git's and Nix's look at the files, and the release. */
export type CommandCosts = Readonly<Record<'status' | 'statusJson' | 'deploySame' | 'deployAgain', Taken>>

export async function commandCosts(bench: Bench, size: number, stack: AsyncDisposableStack): Promise<CommandCosts> {
  const scratch = stack.use(await Scratch.make())
  const { directory, env } = await largeProject(bench.thymesh, scratch.directory, size)
  const run = (args: readonly string[], code?: number) =>
    measured([...bench.thymesh, ...args], env, limitMs, { cwd: directory, ...(code !== undefined && { code }) })
  return {
    status: await run(['status', '--wait', '0']),
    statusJson: await run(['status', '--wait', '0', '--json']),
    // All devices run what the project says.
    deploySame: await run(['deploy', '--message', 'again']),
    // A new release with the same content. No device is in reach: the second that it waits for them counts.
    deployAgain: await run(['deploy', '--message', 'again', '--force', '--timeout', '1'], exitCodes.incomplete),
  }
}
