/** `thymesh join`: makes this machine a device of a fleet. The token is used at once, and never written to a disk. */

import { mkdir, rm } from 'node:fs/promises'
import { dirname, join as joinPath } from 'node:path'
import { replaceFile } from '../../../node/files/durable-file.ts'
import { exists } from '../../../node/files/missing.ts'
import { membershipOf } from '../../../node/peer/membership.ts'
import { runProgram } from '../../../node/process/run-program.ts'
import { systemSettingsFile } from '../../../node/settings/defaults.ts'
import { parseSettings, readSettingsFile, type Settings } from '../../../node/settings/settings.ts'
import { openState } from '../../../node/state/peer-state.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { type JoinToken, parseJoinToken } from '../../../protocol/members/join-token.ts'
import { readToken } from '../shell/join-token.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'

export interface JoinOptions extends GlobalOptions {
  token?: string
  name: string
  site?: string
  settings: string
  /** False for `--no-start`. */
  start: boolean
}

const unit = 'thymesh.service'
const startMs = 60_000

export async function join(options: JoinOptions): Promise<undefined> {
  const text = await readToken(options.token)
  const token = parseJoinToken(text)
  const own = await settingsIn(options.settings)
  const running = await settingsIn(systemSettingsFile)
  const { name, site } = options
  const settings = parseSettings(
    { ...running, ...own, join: { token: text, name, ...(site !== undefined && { site }) } },
    options.settings,
  )
  const { peer, certificate, joined } = await joinAt(settings, token)
  // The daemon no longer has the token, which names the peers to look for first.
  const before = (own.bootstrap as string[] | undefined) ?? []
  const bootstrap = [...new Set([...before, ...token.bootstrap])]
  if (bootstrap.length > before.length) {
    await mkdir(dirname(options.settings), { recursive: true, mode: 0o755 })
    await replaceFile(options.settings, `${JSON.stringify({ ...own, bootstrap }, null, 2)}\n`)
  }
  const started = options.start && (await startDaemon(options))
  const { name: member, fleet } = certificate
  const what = joined ? 'joined' : 'was already a member of'
  const next = started ? 'Its daemon runs: journalctl -u thymesh' : 'Start its daemon: thymesh node'
  print(
    options,
    { name: member, peer, fleet, site: certificate.site ?? null, joined, started },
    `${member} ${what} the fleet ${fleet}.\n${next}`,
  )
  return undefined
}

/** Joins, or finds that this was done before; what a failure has begun is removed. */
async function joinAt(settings: Settings, token: JoinToken) {
  const isNew = !(await exists(joinPath(settings.state, 'identity.key')))
  const state = await openState(settings).catch(thrown => {
    throw thrown instanceof Error && 'code' in thrown && thrown.code === 'in-use' ? daemonRuns(thrown) : thrown
  })
  try {
    const before = await state.own.certificate()
    const { certificate } = await membershipOf(state, settings)
    if (certificate.fleet !== token.fleet || certificate.name !== settings.join?.name) {
      throw new HintedError(
        'member-already',
        `expected a machine that is no device yet, got ${certificate.name} of the fleet ${certificate.fleet}`,
        { hint: `To let it join anew, stop the daemon and remove ${settings.state}.` },
      )
    }
    return { peer: certificate.peer, certificate, joined: before === undefined }
  } catch (thrown) {
    if (isNew)
      for (const part of ['identity.key', 'age.keys']) await rm(joinPath(settings.state, part), { force: true })
    throw thrown
  } finally {
    await state.database.close()
  }
}

async function settingsIn(file: string): Promise<Record<string, unknown>> {
  return (await exists(file)) ? await readSettingsFile(file) : {}
}

/** Whether the daemon was started: the package's, or where the machine's last release brought one, that. */
async function startDaemon(options: JoinOptions): Promise<boolean> {
  const settings = { timeoutMs: startMs, lines: 10 }
  if (!(await exists('/run/systemd/system'))) return false
  // A release's starts with its generation; enabled, systemd would keep a link to it for good.
  const words = (await exists(joinPath('/run/systemd/system', unit))) ? ['start'] : ['enable', '--now']
  const { code, output } = await runProgram('systemctl', [...words, unit], settings)
  if (code !== 0) note(options, `The daemon was not started: ${output.at(-1) ?? `systemctl ended with ${code}`}`)
  return code === 0
}

function daemonRuns(cause: unknown): HintedError {
  return new HintedError('daemon-runs', 'expected a machine whose daemon is stopped, and it runs', {
    hint: 'It is a device already. To let it join anew: systemctl stop thymesh, then remove its state.',
    cause,
  })
}
