/**
 * The trial itself, as a program of its own in a network, mounts and processes of its own: `node inside.ts PLAN`. It prints each
 * step as one line of JSON.
 */

import { readFile } from 'node:fs/promises'
import { errorJson } from '../format/error-json.ts'
import { writeJson } from '../format/terminal.ts'
import { insideSchema } from './inside-plan.ts'
import { copyIntoRoot, nixFor } from './own-store.ts'
import { paces } from './pace.ts'
import { ownProgram } from './program.ts'
import { QemuMachine } from './qemu-machine.ts'
import { RehearsalError } from './rehearsal-error.ts'
import { makeRoot } from './root.ts'
import { runSteps, type SteppedMachine } from './steps.ts'
import { ThrowawayFleet } from './throwaway-fleet.ts'
import { TrialMachine } from './trial-machine.ts'

const [, , file = ''] = process.argv
const told = insideSchema.parse(JSON.parse(await readFile(file, 'utf8')))
const { plan, directory } = told
try {
  const fleet = await ThrowawayFleet.found(directory, plan)
  const machine = plan.program === null ? await container(fleet) : await guest(fleet, plan.program)
  await runSteps({ plan, fleet, machine, seconds: told.seconds ?? fleet.pace.seconds, tell: writeJson })
} catch (thrown) {
  if (!(thrown instanceof RehearsalError)) throw thrown
  writeJson({ error: errorJson(thrown) })
}
// Handles that libp2p leaves open must not keep it from ending; what is left ends with it.
process.exit()

/** Boots from a root, with this very program as its daemon. */
async function container(fleet: ThrowawayFleet): Promise<SteppedMachine> {
  const { base, main, group } = told
  const root = makeRoot(directory, plan.device, base ?? undefined)
  const program = ownProgram(main, base === null)
  const nix = await nixFor(base ?? undefined)
  await copyIntoRoot(root, [...program.storePaths, ...(nix === undefined ? [] : [nix])])
  return new TrialMachine({
    name: plan.device,
    ...{ directory, root, group, program, nix },
    deadline: deadlineOf(fleet),
    settings: {
      join: { token: await fleet.token(), name: plan.device },
      ...{ mdns: false, cache: false, page: false, metrics: false, log: 'info' },
    },
  })
}

/** Boots by its own loader and kernel, with the daemon of its config. It is on already: only then is known how fast it is. */
async function guest(fleet: ThrowawayFleet, program: string): Promise<SteppedMachine> {
  const { config, device } = plan
  const machine = await QemuMachine.make(
    { program, config, directory, fleet },
    { name: device, token: await fleet.token() },
  )
  const emulated = await machine.switchOn()
  fleet.pace = emulated === undefined ? paces.kvm : paces.emulated
  machine.deadline = deadlineOf(fleet)
  if (emulated !== undefined) {
    writeJson({
      note: `Its machine is emulated, since ${emulated}: each boot takes a minute or more, the whole rehearsal a quarter of an hour or more.`,
    })
  }
  return machine
}

function deadlineOf(fleet: ThrowawayFleet): number {
  return performance.now() + (told.seconds ?? fleet.pace.seconds) * 1000
}
