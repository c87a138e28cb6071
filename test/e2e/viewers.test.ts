/** Tests of a viewer, with real processes: a member by a token who sees what operators see, and whose orders are refused at once. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Members } from '../../controller/api/schemas/members.ts'
import { ask } from '../helpers/served-api.ts'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { type ErrorJson, Fleet } from './helpers/fleet.ts'
import { type Ended, freePort, runThymesh, until } from './helpers/processes.ts'

describe('a viewer', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let device: Device

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    device = await fleet.device('first')
    device.start(await fleet.token('--bootstrap', device.address))
    // The device can let others in once it has the fleet's metadata.
    await until('the device to have the metadata', async () => {
      await fleet.json('members', '--wait', '60')
      const reply = await ask(join(device.state, 'api.sock'), '/v1/status').catch(() => undefined)
      return reply !== undefined && reply.json.newest !== null
    })
  })
  after(() => fleet.remove())

  async function asVera(...args: string[]): Promise<Ended> {
    const env = { ...fleet.env, THYMESH_HOME: join(fleet.directory, 'vera') }
    return await runThymesh([...args, '--json'], { cwd: fleet.project, env })
  }
  const errorOf = ({ stdout }: Ended) => (JSON.parse(stdout) as ErrorJson).error

  it('joins with a token for viewers, and with no other', async () => {
    assert.equal((await fleet.error('token', '--viewer')).code, 'names-missing')
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`, '--no-mdns']
    const forRelays = await fleet.token('--relay', '--names', 'vera')
    assert.equal(errorOf(await asVera('viewer', forRelays, ...listen)).code, 'beyond-grant')
    const token = await fleet.token('--viewer', '--names', 'vera', '--bootstrap', device.address)
    const joined = await asVera('viewer', token, ...listen)
    assert.equal(joined.code, 0, joined.stdout + joined.stderr)
    assert.equal((JSON.parse(joined.stdout) as { name: string }).name, 'vera')
  })

  it('sees the fleet, and is countersigned by an operator who hears of it', async () => {
    const seen = JSON.parse((await asVera('status', '--wait', '60')).stdout) as { devices: { device: string }[] }
    assert.deepEqual(
      seen.devices.map(each => each.device),
      ['first'],
    )
    // It is listed as soon as it is heard of, and signed for a moment later.
    const vera = await until('an operator to sign for the viewer', async () => {
      const { members } = await fleet.json<Members>('members', '--wait', '60')
      return members.find(({ name, state }) => name === 'vera' && state === 'member')
    })
    assert.partialDeepStrictEqual(vera, { role: 'controller', issuedBy: 'members' })
    assert.match((await fleet.run('members', '--wait', '0')).stdout, /^vera +viewer /m)
    // A device has answered: it keeps no activation log yet.
    assert.notEqual(errorOf(await asVera('logs', 'first', '--activation')).code, 'not-served')
  })

  it('is told why what it orders is not done', async () => {
    for (const args of [['rollback'], ['revoke', 'first'], ['alerts', 'silence', '--for', '1h']]) {
      const { code, hint } = errorOf(await asVera(...args))
      assert.deepEqual([args[0], code], [args[0], 'viewer'])
      assert.match(hint ?? '', /operator/)
    }
  })
})
