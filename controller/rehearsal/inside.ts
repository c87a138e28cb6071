/**
 * The trial itself, as a program of its own in a network, mounts and processes of its own: `node inside.ts PLAN`. It prints each
 * step as one line of JSON.
 */

import { readFile } from 'node:fs/promises'
import { writeJson } from '../format/terminal.ts'
import { insideSchema } from './inside-plan.ts'
import { copyIntoRoot, nixFor } from './own-store.ts'
import { ownProgram } from './program.ts'
import { makeRoot } from './root.ts'
import { runSteps } from './steps.ts'
import { ThrowawayFleet } from './throwaway-fleet.ts'
import { TrialMachine } from './trial-machine.ts'

const [, , file = ''] = process.argv
const { plan, directory, base, main, group, seconds } = insideSchema.parse(JSON.parse(await readFile(file, 'utf8')))
const fleet = await ThrowawayFleet.found(directory, plan)
const root = makeRoot(directory, plan.device, base ?? undefined)
const program = ownProgram(main, base === null)
const nix = await nixFor(base ?? undefined)
await copyIntoRoot(root, [...program.storePaths, ...(nix === undefined ? [] : [nix])])
const machine = new TrialMachine({
  name: plan.device,
  ...{ directory, root, group, program, nix },
  deadline: performance.now() + seconds * 1000,
  settings: {
    join: { token: await fleet.token(), name: plan.device },
    ...{ mdns: false, cache: false, page: false, metrics: false, log: 'info' },
  },
})
await runSteps({ plan, fleet, machine, seconds, tell: writeJson })
// Handles that libp2p leaves open must not keep it from ending; what is left ends with it.
process.exit()
