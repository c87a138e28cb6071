/**
 * Fills the disk of a virtual machine, as a program of its own which has the disk mounted: `node vm-prepare.ts PLAN`. With a token
 * on standard input the machine also joins its fleet: it makes its own key there. Prints one line of JSON.
 */

import { mkdir, readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { membershipOf } from '../../node/peer/membership.ts'
import { parseSettings, readSettingsFile } from '../../node/settings/settings.ts'
import { openState } from '../../node/state/peer-state.ts'
import { parseJoinToken } from '../../protocol/members/join-token.ts'
import { errorJson } from '../format/error-json.ts'
import { writeJson } from '../format/terminal.ts'
import { placeDaemon } from '../rehearsal/daemon-unit.ts'
import { copyIntoRoot, nixFor } from '../rehearsal/own-store.ts'
import { ownProgram } from '../rehearsal/program.ts'
import { makeRoot, rootIn, type TrialRoot } from '../rehearsal/root.ts'
import { type PreparePlan, preparePlanSchema } from './prepare-plan.ts'

const settingsFile = '/etc/thymesh/node.json'
const stateDirectory = '/var/lib/thymesh'

const [, , file = ''] = process.argv
const plan = preparePlanSchema.parse(JSON.parse(await readFile(file, 'utf8')))
try {
  writeJson(await prepare(plan))
} catch (thrown) {
  writeJson({ error: errorJson(thrown) })
}
// Handles that are left open must not keep it from ending.
process.exit()

async function prepare({ directory, name, base, main, join }: PreparePlan): Promise<{ peer: string | null }> {
  const own = base ?? undefined
  const root = join === null ? rootIn(directory, own) : makeRoot(directory, name, own)
  const program = ownProgram(main, base === null)
  const nix = await nixFor(own)
  await copyIntoRoot(root, [...program.storePaths, ...(nix === undefined ? [] : [nix])])
  const bootstrap = join?.bootstrap
  const settings = bootstrap === undefined ? await readSettingsFile(root.place(settingsFile)) : { bootstrap }
  placeDaemon(root, { program, nix, settingsFile, settings })
  return { peer: join === null ? null : await joined(root, name, join.site) }
}

/** The token is used at once, and on no disk. */
async function joined(root: TrialRoot, name: string, site: string | null): Promise<string> {
  const token = (await text(process.stdin)).trim()
  parseJoinToken(token)
  const state = root.place(stateDirectory)
  await mkdir(state, { recursive: true, mode: 0o700 })
  const settings = parseSettings({ state, join: { token, name, ...(site !== null && { site }) } }, settingsFile)
  const opened = await openState(settings)
  try {
    return (await membershipOf(opened, settings)).certificate.peer
  } finally {
    await opened.database.close()
  }
}
