/** The table of stolen keys in docs/trust.md: the keys of each row can't do what only the next row's can. */

import assert from 'node:assert/strict'
import { nixSecretKeyFromSeed } from '../../../protocol/nix/signature.ts'
import type { Signer } from '../../../protocol/signing/keys.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSeed, testSigner } from '../../helpers/fleet.ts'
import { signedJson, signJson } from '../../helpers/metadata.ts'
import { until } from '../../helpers/until.ts'
import { timestampVersionOf } from '../accepted.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { DeviceScene } from '../device-scene.ts'
import { type ForgeInit, forge } from '../forge.ts'

type Content = ReturnType<DeviceScene['content']>

/** A release by whoever has these keys; the others are the thief's own. */
export function released(arena: Arena, content: Content, held: readonly (keyof typeof arena.fleet.keys)[]) {
  const thief = testSigner('thief')
  const signer = (role: 'targets' | 'snapshot' | 'timestamp'): Signer[] => [
    held.includes(role) ? arena.fleet.keys[role] : thief,
  ]
  const { extensions, ...release } = content
  const init: ForgeInit = {
    release,
    extensions,
    signers: { targets: signer('targets'), snapshot: signer('snapshot'), timestamp: signer('timestamp') },
  }
  return forge(arena.fleet, init)
}

export const releaseKeys = ['targets', 'snapshot', 'timestamp'] as const

/** A release with the keys that may: what was refused before is done, so that the refusal was for the missing key alone. */
export async function succeeds(arena: Arena, scene: DeviceScene, content: Content): Promise<void> {
  await arena.offer(scene.victim, released(arena, content, releaseKeys), 'owner')
  await until(() => scene.confirmed, 'the device to run and confirm what it was told by the right keys')
}

/** What a thief has published is what the next release builds on. */
export function believed(arena: Arena, scene: DeviceScene): void {
  const { accepted } = scene.victim.state
  assert.ok(accepted)
  arena.fleet.publish({ ...arena.fleet.published, trusted: accepted.trusted })
}

export const stolenKeyAttacks: Attack[] = [
  {
    id: 'keys-device-admits',
    power: 'device key',
    tried: "certifies another device, as a join token's key may",
    expected: 'not admitted; with the token it is',
    async run(arena) {
      const victim = await arena.victim()
      const [guest, thief] = [testSigner('guest'), testSigner('hostile')]
      const peer = peerIdOf(guest.publicKey)
      const token = arena.fleet.token()
      const forged = arena.fleet.join(arena.fleet.token({ signers: [thief] }), guest, { name: 'guest' })
      await assert.rejects(victim.directory.addCertificate(peer, forged))
      assert.equal(victim.directory.certificate(peer), undefined)
      const honest = arena.fleet.join(token, guest, { name: 'guest' })
      assert.equal(await victim.directory.addCertificate(peer, honest), 'new')
    },
  },
  {
    id: 'keys-token-publishes',
    power: 'join token',
    tried: 'publishes a newer head over the true release, as the snapshot and timestamp keys may',
    expected: 'nothing changes; by those keys it is taken',
    async run(arena) {
      const victim = await arena.victim()
      const token = testSigner('token')
      const overTrue: ForgeInit['twist'] = (role, signed) =>
        role === 'snapshot' ? { ...signed, meta: (signedJson(trueSnapshot(arena)) as { meta: object }).meta } : signed
      const signers = { snapshot: [token], timestamp: [token] }
      await arena.offer(victim, forge(arena.fleet, { twist: overTrue, signers }))
      assert.equal(timestampVersionOf(victim), 1)
      await arena.offer(victim, forge(arena.fleet, { twist: overTrue }), 'owner')
      assert.equal(timestampVersionOf(victim), 2)
    },
  },
  {
    id: 'keys-online-releases',
    power: 'snapshot and timestamp keys',
    tried: 'releases an older system, as the targets key may together with these',
    expected: 'the device runs what it ran; with the targets key it changes',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const content = scene.content(scene.config)
      await arena.offer(scene.victim, released(arena, content, ['snapshot', 'timestamp']))
      assert.equal(scene.moved, false)
      assert.equal(scene.victim.state.accepted?.release.version, 1)
      await succeeds(arena, scene, content)
    },
  },
  {
    id: 'keys-members-releases',
    power: 'members key',
    tried: 'releases an older system by its own key in place of each release key',
    expected: 'the device runs what it ran; with the release keys it changes',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const content = scene.content(scene.config)
      const { members } = arena.fleet.keys
      const { extensions, ...release } = content
      const signers = { targets: [members], snapshot: [members], timestamp: [members] }
      await arena.offer(scene.victim, forge(arena.fleet, { release, extensions, signers }))
      // What isn't accepted moves nothing later either.
      assert.equal(scene.victim.state.accepted?.release.version, 1)
      assert.equal(scene.moved, false)
      await succeeds(arena, scene, content)
    },
  },
  {
    id: 'keys-nix-releases',
    power: 'Nix key',
    tried: 'releases a config that it has signed, with metadata keys of its own',
    expected: 'the device runs what it ran, and no command; with the release keys both happen',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const content = scene.content(scene.probing, scene.nixKey)
      await arena.offer(scene.victim, released(arena, content, []))
      assert.equal(scene.victim.state.accepted?.release.version, 1)
      assert.equal(scene.moved, false)
      assert.equal(await scene.ran(), false)
      await succeeds(arena, scene, content)
      assert.equal(await scene.ran(), true)
    },
  },
  ...(
    [
      ['keys-release-runs-command', 'with a command probe and no signature by the Nix key', () => undefined],
      [
        'keys-release-own-nix-key',
        'with a command probe and a signature by a Nix key of its own of the same name',
        () => nixSecretKeyFromSeed('orchard-1', testSeed('thief')),
      ],
    ] as const
  ).map(
    ([id, how, key]): Attack => ({
      id,
      power: 'targets, snapshot and timestamp keys',
      tried: `releases an older system ${how}`,
      expected: 'not activated, and the command does not run; with the Nix key it does',
      async run(arena) {
        const scene = await DeviceScene.of(arena)
        const forged = released(arena, scene.content(scene.probing, key()), releaseKeys)
        await arena.offer(scene.victim, forged)
        assert.equal(await scene.refusesOrMoves(forged.versions.targets), 'not-bound')
        assert.equal(scene.moved, false)
        assert.equal(await scene.ran(), false)
        believed(arena, scene)
        await succeeds(arena, scene, scene.content(scene.probing, scene.nixKey))
        assert.equal(await scene.ran(), true)
      },
    }),
  ),
  {
    id: 'keys-release-reuses-signature',
    power: 'targets, snapshot and timestamp keys',
    tried: "puts the Nix key's signature over an older config beside a command probe, and names it critical or not",
    expected: 'not activated, and the command does not run; the config that was signed is taken',
    async run(arena) {
      const scene = await DeviceScene.of(arena)
      const { extensions } = scene.content(scene.config, scene.nixKey)
      for (const critical of [['binding'], []]) {
        const content = { ...scene.content(scene.probing), extensions: extensions && { ...extensions, critical } }
        const forged = released(arena, content, releaseKeys)
        await arena.offer(scene.victim, forged, `thief-${critical.length}`)
        assert.equal(await scene.refusesOrMoves(forged.versions.targets), 'not-bound')
        believed(arena, scene)
      }
      assert.equal(scene.moved, false)
      assert.equal(await scene.ran(), false)
      await succeeds(arena, scene, scene.content(scene.config, scene.nixKey))
      assert.equal(await scene.ran(), false)
    },
  },
  {
    id: 'keys-release-changes-root',
    power: 'targets, snapshot and timestamp keys',
    tried: 'has, with the Nix key, a new root with a Nix key of its own, as the root key may sign it',
    expected: 'the root stays; by the root key it is taken',
    async run(arena) {
      const victim = await arena.victim()
      const { root } = arena.fleet.published.trusted
      const signed = signedJson(root) as { thymesh: object }
      const next = { ...signed, version: 2, thymesh: { ...signed.thymesh, nixPublicKeys: ['thief-1:AAAA'] } }
      const first = root.bytes
      for (const [key, version] of [
        [arena.fleet.keys.targets, 1],
        [arena.fleet.keys.root, 2],
      ] as const) {
        const roots = [first, signJson(next, key)]
        await arena.offer(victim, forge(arena.fleet, { roots }), `thief-${version}`)
        assert.equal(victim.state.versions.root, version)
      }
    },
  },
]

function trueSnapshot(arena: Arena) {
  const { snapshot } = arena.fleet.published.trusted
  assert.ok(snapshot)
  return snapshot
}
