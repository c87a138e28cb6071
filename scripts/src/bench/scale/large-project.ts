/**
 * An operator's project with a device file for each of many devices, its fleet's first release, and a controller's state that
 * knows all their certificates and reports.
 */

import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exitCodes } from '../../../../controller/cli/shell/output.ts'
import { FleetHome } from '../../../../controller/fleet/fleet-home.ts'
import { openProject } from '../../../../controller/project/project.ts'
import { FleetState } from '../../../../node/state/fleet-state.ts'
import { openState } from '../../../../node/state/peer-state.ts'
import { timeText } from '../../../../protocol/encoding/fields.ts'
import { certificateKind } from '../../../../protocol/members/certificate.ts'
import { signEnvelope } from '../../../../protocol/signing/dsse.ts'
import { peerIdOf } from '../../../../protocol/signing/peer-id.ts'
import { daysAfter, testRecipient, testSigner } from '../../../../test/helpers/fleet.ts'
import { idleReport } from '../../../../test/helpers/large-fleet.ts'
import { BenchError } from '../bench-error.ts'

const run = promisify(execFile)

/** A first build on a loaded machine. */
const limitMs = 300_000
const devicesPerSite = 20

/** Where the commands of the operator run. */
export interface LargeProject {
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
}

/** Builds in a store of its own, with this machine's shell. */
const nixConfig = `
extra-sandbox-paths = /bin /usr /lib${process.arch === 'x64' ? ' /lib64' : ''}
build-users-group =
substitute = false
`

/** In an empty folder. The config is the sample's of `thymesh init`; the rollout has three waves. */
export async function largeProject(thymesh: readonly string[], folder: string, size: number): Promise<LargeProject> {
  const directory = join(folder, 'project')
  const home = join(folder, 'home')
  const git = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  const who = { NAME: 'bench', EMAIL: 'bench@localhost' }
  const names = Object.entries(who).flatMap(([key, value]) =>
    ['AUTHOR', 'COMMITTER'].map(role => [`GIT_${role}_${key}`, value] as const),
  )
  const env = {
    ...{ PATH: process.env.PATH, HOME: folder, TMPDIR: folder, THYMESH_HOME: home, NIX_CONFIG: nixConfig },
    ...{ ...git, ...Object.fromEntries(names) },
  }
  await mkdir(directory)
  const options = { cwd: directory, env, timeout: limitMs, maxBuffer: 64 << 20 }
  const [file = '', ...first] = thymesh
  const command = (...args: string[]) => run(file, [...first, ...args], options)
  const place = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--store', join(folder, 'store')]
  await command('init', '.', '--name', 'orchard', '--no-passphrase', ...place)
  // The sample's own device never joins here: a rollout would wait for it.
  await rm(join(directory, 'devices/first.json'))
  for (const { name, site } of devicesOf(size)) {
    await writeFile(join(directory, 'devices', `${name}.json`), `${JSON.stringify({ config: 'hello', site })}\n`)
  }
  const waves = [{ count: 10 }, { onePerSite: true }, { percent: 25 }]
  await writeFile(join(directory, 'rollout.json'), `${JSON.stringify({ waves })}\n`)
  await run('git', ['add', '--all'], options)
  await run('git', ['commit', '--quiet', '--message', 'Declare the devices'], options)
  // No device is in reach: the command ends when its time is over.
  await command('deploy', '--message', 'the first one', '--timeout', '1').catch((thrown: { code?: unknown }) => {
    if (thrown.code !== exitCodes.incomplete) throw thrown
  })
  await fillState(directory, home, size)
  return { directory, env }
}

function devicesOf(size: number): { name: string; site: string }[] {
  return Array.from({ length: size }, (_, at) => ({
    name: `kiosk-${String(at).padStart(5, '0')}`,
    site: `site-${String(Math.floor(at / devicesPerSite)).padStart(3, '0')}`,
  }))
}

/** Makes the controller know a certificate of each device, and its report that it runs the release. */
async function fillState(directory: string, homes: string, size: number): Promise<void> {
  const { fleet } = await openProject(directory)
  const home = new FleetHome(fleet, homes)
  const signers = await home.operatorKeys.membersKeys()
  const state = await openState(await home.settings())
  try {
    const { accepted } = await FleetState.load(fleet, state.database, state.clock)
    const release = accepted?.release
    const topLevel = release && Object.values(release.configs)[0]?.topLevel
    if (topLevel === undefined) throw new BenchError('failed', 'expected a release with a config, got none')
    const now = new Date()
    const times = { issued: timeText(now), expires: timeText(daysAfter(now, 365)) }
    const changes = devicesOf(size).flatMap(({ name, site }) => {
      const signer = testSigner(name)
      const peer = peerIdOf(signer.publicKey)
      const certificate = { v: 1 as const, fleet, peer, name, role: 'device' as const, site, age: testRecipient(name) }
      const running = { config: 'hello', running: topLevel, release: release?.version ?? 0 }
      return [
        {
          table: 'members' as const,
          key: peer,
          value: signEnvelope(certificateKind, { ...certificate, ...times }, ...signers),
        },
        { table: 'reports' as const, key: peer, value: idleReport({ fleet, peer, signer, now }, 1, running) },
      ]
    })
    await state.database.apply(changes)
  } finally {
    await state.database.close()
  }
}
