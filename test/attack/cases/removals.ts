/** A stolen operator's key against its removal: whom the real CLI signs anew, and who is out. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { OperatorKeys } from '../../../controller/keys/operator-keys.ts'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { certificateKind } from '../../../protocol/members/certificate.ts'
import { parseJoinToken } from '../../../protocol/members/join-token.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import type { Signer } from '../../../protocol/signing/keys.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import type { ErrorJson } from '../../e2e/helpers/fleet.ts'
import { Fleet } from '../../e2e/helpers/fleet.ts'
import { freePort, runThymesh, until } from '../../e2e/helpers/processes.ts'
import { hello } from '../../e2e/helpers/project.ts'
import { daysAfter, testSigner } from '../../helpers/fleet.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { HostilePeer } from '../hostile-peer.ts'

type Role = 'device' | 'controller' | 'relay'

interface MembersJson {
  members: { name: string; peer: string; state: string }[]
}

/** A fleet of two operators, of whom mallory's keys are stolen. */
class TheftScene {
  readonly fleet: Fleet
  readonly #id: string
  readonly #address: { host: { getMultiaddrs(): never } }
  readonly #arena: Arena
  readonly #stolen: Signer

  private constructor(fleet: Fleet, arena: Arena, init: { id: string; address: string; stolen: Signer }) {
    this.fleet = fleet
    this.#arena = arena
    this.#id = init.id
    this.#stolen = init.stolen
    this.#address = { host: { getMultiaddrs: () => [multiaddr(init.address)] as never } }
  }

  static async of(arena: Arena): Promise<TheftScene> {
    const fleet = await Fleet.prepare()
    arena.ending.after(() => fleet.remove())
    await fleet.found()
    const device = await fleet.device('first')
    const token = await fleet.token('--bootstrap', device.address)
    device.start(token)
    await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1') })
    await fleet.json('deploy', '-m', 'version 1', '--timeout', '300')
    const home = join(fleet.directory, 'mallory')
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`, '--no-mdns', '--no-passphrase']
    const made = await runThymesh(['key', 'new', '--operator', 'mallory', ...listen, '--json'], {
      cwd: fleet.project,
      env: { ...fleet.env, THYMESH_HOME: home },
    })
    assert.equal(made.code, 0, made.stdout + made.stderr)
    const { card } = JSON.parse(made.stdout) as { card: string }
    await fleet.json('root', 'propose', '--add', card, '--yes')
    const id = parseJoinToken(token).fleet
    const keys = await new OperatorKeys(join(home, id.slice(0, 16), 'keys'), async () => '').forRoles()
    return new TheftScene(fleet, arena, { id, address: device.address, stolen: keys.members })
  }

  /** A member that the stolen key has signed, as the device that it meets believes. */
  async letIn(word: string, role: Role, name = word): Promise<HostilePeer> {
    const signer = testSigner(word)
    const [issued, expires] = [timeText(new Date()), timeText(daysAfter(new Date(), 300))]
    const peer = peerIdOf(signer.publicKey)
    const certificate = signEnvelope(
      certificateKind,
      { v: 1, fleet: this.#id, peer, name, role, issued, expires },
      this.#stolen,
    )
    const fleet = { fleet: this.#id, certify: () => certificate }
    const hostile = await HostilePeer.of(this.#arena.mesh, word, fleet, certificate)
    await until(`${word} to be let in`, async () => (await this.admits(hostile)) || undefined)
    return hostile
  }

  /** Whether the device lets it in, on a new connection. */
  async admits(hostile: HostilePeer): Promise<boolean> {
    for (const each of hostile.host.getConnections()) await each.close()
    return (await hostile.greet(this.#address).catch(() => undefined))?.verdict.admitted ?? false
  }

  /** Until the operator sees all of these as members: a command waits for news for a while only. */
  async knows(...peers: HostilePeer[]): Promise<void> {
    const isSo = async () => {
      const members = await this.members()
      return peers.every(({ id }) => members.get(id) === 'member')
    }
    await until('the operator to see all members', isSo)
  }

  /** The state of each, by its peer ID. */
  async members(): Promise<Map<string, string>> {
    const { members } = await this.fleet.json<MembersJson>('members', '--wait', '20')
    return new Map(members.map(({ peer, state }) => [peer, state]))
  }

  /** The operator removes mallory. */
  async remove(...keep: string[]): Promise<{ renewed: string[]; cutOff: string[]; published: boolean }> {
    return await this.fleet.json('root', 'propose', '--remove', 'mallory', ...this.#flags(keep), '--yes')
  }

  async removalError(...keep: string[]): Promise<ErrorJson['error']> {
    return await this.fleet.error('root', 'propose', '--remove', 'mallory', ...this.#flags(keep), '--yes')
  }

  /** The device believes the new root, so that these are out, and the other is in. */
  async areOut(peers: readonly HostilePeer[], kept: HostilePeer): Promise<void> {
    for (const peer of peers) {
      await until(`${peer.id} to be refused`, async () => !(await this.admits(peer)) || undefined)
    }
    const members = await this.members()
    for (const { id } of peers) assert.notEqual(members.get(id), 'member')
    assert.equal(members.get(kept.id), 'member')
  }

  #flags(keep: readonly string[]): string[] {
    return keep.flatMap(each => ['--keep', each])
  }
}

const attacks: Omit<Attack, 'alone' | 'needs'>[] = [
  {
    id: 'removal-keeps-named',
    power: 'members key',
    tried:
      "signs a controller, a relay and a device with a removed operator's key, to stay in the fleet after the removal",
    expected: "only the device that `--keep` names is signed anew; the thief's are refused and no members any more",
    async run(arena) {
      const scene = await TheftScene.of(arena)
      const kiosk = await scene.letIn('kiosk-7', 'device')
      const thieves = [
        await scene.letIn('thief-laptop', 'controller'),
        await scene.letIn('thief-relay', 'relay'),
        await scene.letIn('thief-sensor', 'device'),
      ]
      await scene.knows(kiosk, ...thieves)
      const { renewed, cutOff, published } = await scene.remove('kiosk-7')
      assert.deepEqual([published, renewed], [true, ['kiosk-7']])
      for (const name of ['thief-laptop', 'thief-relay', 'thief-sensor']) assert.ok(cutOff.includes(name), name)
      await scene.areOut(thieves, kiosk)
    },
  },
  {
    id: 'removal-keeps-pattern',
    power: 'members key',
    tried: "signs a controller, a relay, and a namesake of an honest device, that a pattern such as `--keep '*'` fits",
    expected:
      'the namesake is refused by name; a controller or relay is signed anew only by its peer ID or an answer of its own',
    async run(arena) {
      const scene = await TheftScene.of(arena)
      const kiosk = await scene.letIn('kiosk-7', 'device')
      const thieves = [await scene.letIn('thief-laptop', 'controller'), await scene.letIn('thief-relay', 'relay')]
      const namesake = await scene.letIn('namesake', 'device', 'first')
      await scene.knows(kiosk, namesake, ...thieves)
      for (const keep of ['*', 'first']) {
        const error = await scene.removalError(keep)
        assert.equal(error.code, 'ambiguous')
        assert.ok(error.hint?.includes(namesake.id), error.hint ?? '')
      }
      const { renewed, cutOff } = await scene.remove('kiosk-*', 'thief-*')
      assert.deepEqual(renewed, ['kiosk-7'])
      for (const name of ['thief-laptop', 'thief-relay', 'first']) assert.ok(cutOff.includes(name), name)
      await scene.areOut([namesake, ...thieves], kiosk)
    },
  },
]

export const removalAttacks: Attack[] = attacks.map(attack => ({ ...attack, alone: true, needs: 'nix' }))
