/** Thieves of release keys without the Nix key: what they release runs nothing that the Nix key didn't sign. */

import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { encryptTo } from '../../../controller/secrets/age.ts'
import { cidOf } from '../../../protocol/encoding/cid.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import type { Release, ReleasedConfig, ReleaseExtensions } from '../../../protocol/release/release.ts'
import { secretDocumentCodec } from '../../../protocol/release/secrets.ts'
import { until } from '../../e2e/helpers/processes.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { DaemonScene } from '../daemon-scene.ts'
import { forge } from '../forge.ts'

const releaseKeys = 'targets, snapshot and timestamp keys'

interface Theft {
  readonly config: ReleasedConfig
  readonly extensions?: ReleaseExtensions | undefined
  readonly documents?: readonly Uint8Array[]
  /** What the device logs when it refuses. */
  readonly refusal: RegExp
  /** What must not be there afterwards, below the device's root or anywhere. */
  readonly plants: string
}

/** Releases a config to the device with stolen release keys: it refuses, runs what it ran, and takes the next release. */
async function refuses(arena: Arena, scene: DaemonScene, theft: Theft): Promise<void> {
  const running = await scene.device.running()
  const forged = forge(await scene.stolenKeys(), {
    release: { configs: { hello: theft.config }, devices: { first: { config: 'hello' } } },
    extensions: theft.extensions,
  })
  const hostile = await scene.hostile(arena)
  await hostile.serve({ ...forged, documents: [...forged.documents, ...(theft.documents ?? [])] })
  const lines = (await scene.device.logLines()).length
  const { verdict } = await hostile.greet(scene.victim, { root: 1, timestamp: forged.versions.timestamp })
  assert.ok(verdict.admitted)
  const planted = async () => (await stat(theft.plants).catch(() => undefined)) !== undefined
  const refused = async () =>
    (await scene.device.logLines()).slice(lines).some(({ reason }) => theft.refusal.test(reason ?? ''))
  const moved = async () => (await scene.device.running()) !== running
  const ended = async () => (await refused()) || (await planted()) || (await moved())
  await until('the device to refuse, or to be taken in', ended, { explain: () => scene.device.lastLines() })
  assert.equal(await planted(), false, 'the device ran or installed it')
  assert.equal(await scene.device.running(), running)
  assert.equal((await scene.trusted()).targets?.signed.version, forged.versions.targets)
  await hostile.host.stop()
  await scene.fleet.json('status')
  await scene.updates()
}

/** A release that the device ran before: its paths are signed by the Nix key, and in the store. */
async function earlier(scene: DaemonScene): Promise<{ release: Release; config: ReleasedConfig }> {
  await scene.updates()
  const running = await scene.device.running()
  const release = (await scene.releases()).findLast(
    ({ configs }) => configs.hello && configs.hello.topLevel !== running,
  )
  const config = release?.configs.hello
  assert.ok(release && config)
  return { release, config }
}

function withProbe(config: ReleasedConfig, marker: string): ReleasedConfig {
  const probe = { kind: 'command' as const, command: ['/bin/sh', '-c', `touch ${marker}`] }
  return { ...config, policy: { ...config.policy, health: { probes: [probe] } } }
}

const attacks: Omit<Attack, 'alone' | 'needs'>[] = [
  {
    id: 'bound-probe',
    power: releaseKeys,
    tried: 'releases an older system, which the Nix key has signed, with a command probe of its own',
    expected: 'refused before anything is fetched: the command does not run; the next honest release is taken',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const marker = join(arena.mesh.directory, 'ran')
      const { config } = await earlier(scene)
      const refusal = /expected a signature by the Nix key over the command probe/
      await refuses(arena, scene, { config: withProbe(config, marker), refusal, plants: marker })
    },
  },
  {
    id: 'bound-secret',
    power: releaseKeys,
    tried: 'adds a secret to the running config, encrypted to the device: a unit may read it as its environment',
    expected: 'refused: nothing is installed; the next honest release is taken',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const { age } = await scene.certificate()
      const current = (await scene.releases()).at(-1)?.configs.hello
      assert.ok(age && current)
      const document = secretDocumentCodec.encode({ v: 1, age: await encryptTo([age], Buffer.from('LD_PRELOAD=/x')) })
      const secret = { document: cidOf(document), size: document.length, source: sha256(document) }
      await refuses(arena, scene, {
        config: { ...current, secrets: { ...current.secrets, planted: secret } },
        documents: [document],
        refusal: /expected a signature by the Nix key over the secret planted/,
        plants: join(scene.device.root, 'run/thymesh/secrets/planted'),
      })
    },
  },
  {
    id: 'extension-critical-unknown',
    power: releaseKeys,
    tried: 'releases an older system with a critical extension that the device does not understand',
    expected: 'the release is relayed and not acted on, and the report says so; the next release is taken',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const { release, config } = await earlier(scene)
      const values = { ...release.extensions?.values, quota: { day: 1 } }
      const extensions = { values, critical: [...(release.extensions?.critical ?? []), 'quota'] }
      await refuses(arena, scene, {
        config,
        extensions,
        refusal: /critical extensions this version understands, got quota/,
        plants: join(arena.mesh.directory, 'nothing'),
      })
    },
  },
]

export const boundAttacks: Attack[] = attacks.map(attack => ({ ...attack, alone: true, needs: 'nix' }))
