/** Releases that carry something to run past the Nix key: secrets, sites, other fleets, promotions, and approvers who look away. */

import assert from 'node:assert/strict'
import { promoteContent } from '../../../controller/release/promote.ts'
import { rollbackContent } from '../../../controller/release/rollback.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { nixSecretKeyFromSeed, signPath } from '../../../protocol/nix/signature.ts'
import { bindConfig, bindingsOf, withBindings } from '../../../protocol/release/binding.ts'
import { testFleet, testSeed, testSigner } from '../../helpers/fleet.ts'
import { releaseAt } from '../../helpers/sites.ts'
import { until } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { DeviceScene } from '../device-scene.ts'
import { offerOf } from '../forge.ts'
import { forgeProposal } from '../forge-proposal.ts'
import { shownToOperators } from './approvals.ts'
import { believed, released, releaseKeys, succeeds } from './stolen-keys.ts'

type Content = ReturnType<DeviceScene['content']>

/** The device refuses a release by stolen release keys. */
async function refuses(arena: Arena, scene: DeviceScene, content: Content, word = 'hostile'): Promise<void> {
  const forged = released(arena, content, releaseKeys)
  await arena.offer(scene.victim, forged, word)
  const { identity, directory } = scene.victim
  const reported = () => directory.report(identity.peerId)?.document
  const isJudged = () =>
    reported()?.wanted === forged.versions.targets || reported()?.release === forged.versions.targets
  await until(isJudged, 'the device to judge the release')
  assert.equal(reported()?.error?.code, 'not-bound')
  believed(arena, scene)
}

const power = 'targets, snapshot and timestamp keys'

export const unboundAttacks: Attack[] = [
  {
    id: 'unbound-secret-mode',
    power,
    tried:
      'makes an installed secret readable by everyone on the device, in a release without a signature by the Nix key',
    expected: 'its file stays as it is',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const config = { ...scene.config, secrets: { key: await scene.secret('plain') } }
      await succeeds(arena, scene, scene.content(config, scene.nixKey))
      await until(async () => (await scene.installed('key')) === 'plain 400', 'the secret of the signed release')
      believed(arena, scene)
      const open = { ...config, secrets: { key: { ...config.secrets.key, mode: '0444' } } }
      await refuses(arena, scene, scene.content(open))
      assert.equal(await scene.installed('key'), 'plain 400')
    },
  },
  {
    id: 'unbound-secret-swapped',
    power,
    tried: 'puts the document of one signed secret under the name of another, beside the signature over both',
    expected: 'the files stay as they are',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const [one, two] = [await scene.secret('one'), await scene.secret('two')]
      const content = scene.content({ ...scene.config, secrets: { one, two } }, scene.nixKey)
      await succeeds(arena, scene, content)
      await until(async () => (await scene.installed('two')) === 'two 400', 'the secrets of the signed release')
      believed(arena, scene)
      const swapped = scene.content({ ...scene.config, secrets: { one: two, two: one } })
      await refuses(arena, scene, { ...swapped, extensions: content.extensions })
      assert.equal(await scene.installed('one'), 'one 400')
      assert.equal(await scene.installed('two'), 'two 400')
    },
  },
  {
    id: 'unbound-other-fleet',
    power,
    tried: 'takes a signature that the same Nix key made over the same config for another fleet, or for a site',
    expected: 'not activated, and the command does not run; signed for this fleet, it is',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const { fleet } = testFleet({ name: 'elsewhere' })
      for (const [word, place] of [
        ['one', { fleet }],
        ['two', { fleet: arena.fleet.fleet, site: 'berlin' }],
      ] as const) {
        const bindings = { kiosk: [bindConfig(place, scene.probing, scene.nixKey)] }
        const extensions = withBindings(undefined, bindings)
        await refuses(arena, scene, { ...scene.content(scene.probing), extensions }, word)
      }
      assert.equal(await scene.ran(), false)
      await succeeds(arena, scene, scene.content(scene.probing, scene.nixKey))
      assert.equal(await scene.ran(), true)
    },
  },
  {
    id: 'unbound-site',
    power: 'site key',
    tried: 'releases a system with a command probe to its own site without its Nix key, and has it published',
    expected: 'not activated, and the command does not run',
    async run(arena) {
      const operator = testSigner('berlin operator')
      const scene = await DeviceScene.of(arena, { name: 'berlin', operator })
      const next = releaseAt(arena.fleet, 'berlin', [operator], scene.content(scene.probing))
      await arena.offer(scene.victim, offerOf(arena.fleet, next))
      assert.equal(await scene.refusesOrMoves(1), 'not-bound')
      assert.equal(scene.moved, false)
      assert.equal(await scene.ran(), false)
    },
  },
  {
    id: 'unbound-content',
    power: 'local user',
    tried: 'has the store hold a path of the release under its name with other content, signed by a key of its own',
    expected: 'not activated: the content must be that of the release, or signed by the Nix key; after a repair, it is',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const [path, info] = [...scene.held][0] ?? []
      assert.ok(path && info)
      const other = { ...info, narHash: sha256(Buffer.from('other')) }
      const signature = signPath(other, nixSecretKeyFromSeed('orchard-1', testSeed('local user')))
      scene.held.set(path, { ...other, signatures: [signature] })
      await arena.offer(scene.victim, released(arena, scene.content(scene.config, scene.nixKey), releaseKeys))
      const { identity, directory } = scene.victim
      const reported = () => directory.report(identity.peerId)?.document
      await until(() => scene.moved || reported()?.state === 'failed', 'the device to judge what its store has')
      assert.equal(reported()?.error?.code, 'other-content')
      assert.equal(scene.moved, false)
      believed(arena, scene)
      scene.held.set(path, info)
      await succeeds(arena, scene, scene.content(scene.config, scene.nixKey))
    },
  },
  {
    id: 'unbound-approved',
    power: 'targets key below threshold',
    tried: 'proposes a config whose signature by the Nix key is missing, for the other operators to sign unseen',
    expected: 'approve says which config no Nix key has signed',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const { configs, devices } = scene.content(scene.probing)
      const on = arena.fleet.published.trusted
      const signers = [arena.fleet.keys.targets]
      const proposal = forgeProposal({ on, fleet: arena.fleet.fleet, signers, release: { configs, devices } })
      const { text } = shownToOperators(arena, scene.victim, proposal)
      assert.match(text, /config kiosk is not signed by a Nix key/)
    },
  },
  {
    id: 'unbound-laundered',
    power,
    tried: 'has an operator promote its release, or roll back to it, to get the signature of the Nix key',
    expected: 'both keep the signatures that there are, and make none: the device runs nothing of it',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const signed = scene.content(scene.config, scene.nixKey)
      const rollout = { waves: [{ count: 1 }] }
      const base = { ...arena.fleet.published.release, message: 'x', version: 2 }
      const bad = { ...base, ...scene.content(scene.probing), rollout }
      const current = { ...base, ...signed, version: 3 }
      for (const [word, content] of [
        ['promoted', promoteContent(bad, undefined)],
        ['restored', rollbackContent(current, bad, undefined)],
        ['restored-one', rollbackContent(current, bad, undefined, ['victim'])],
      ] as const) {
        assert.deepEqual(bindingsOf(content), {})
        const { configs, devices, extensions } = content
        await refuses(arena, scene, { configs, devices, extensions }, word)
      }
      assert.equal(scene.moved, false)
      assert.equal(await scene.ran(), false)
      const back = rollbackContent({ ...bad, version: 3 }, { ...current, version: 2 }, undefined)
      assert.deepEqual(bindingsOf(back), bindingsOf(signed))
      await succeeds(arena, scene, { configs: back.configs, devices: back.devices, extensions: back.extensions })
    },
  },
]
