/** Members by the real commands and daemons: counted, renewed, revoked; tokens that are used up and taken back. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Fleet } from './helpers/fleet.ts'
import { until } from './helpers/processes.ts'

interface Member {
  name: string | null
  peer: string
  state: string
  issuedBy: string | null
  token: string | null
  held: string | null
  revoked: { reason: string | null } | null
}

describe('members', () => {
  let fleet: Fleet

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found('second', 'third')
  })
  after(() => fleet.remove())

  const member = async (name: string) => {
    const { members } = await fleet.json<{ members: Member[] }>('members', '--wait', '60')
    return members.find(each => each.name === name)
  }

  it('come with a token as often as it may be used, and further ones are left to a person', async () => {
    const first = await fleet.device('first')
    // The second one comes by the first: no controller serves here, and a command is soon over.
    const options = ['--names', '*', '--uses', '1', '--bootstrap', first.address]
    const made = await fleet.json<{ token: string; id: string; uses: number }>('token', ...options)
    assert.equal(made.uses, 1)
    first.start(made.token)
    await until('first to be countersigned', async () => (await member('first'))?.state === 'member')
    await first.logged('its certificate', ({ msg }) => msg === 'a controller has signed our certificate')
    assert.equal((await member('first'))?.token, made.id)
    const second = await fleet.device('second')
    second.start(made.token)
    const above = await until('second to be held', async () => {
      const row = await member('second')
      return row?.held === 'over-limit' && row
    })
    assert.equal(above.state, 'provisional')
    const { signed } = await fleet.json<{ signed: { name: string }[] }>('members', 'renew', 'second', '--wait', '60')
    assert.deepEqual(
      signed.map(({ name }) => name),
      ['second'],
    )
    assert.equal((await member('second'))?.state, 'member')
    const { tokens } = await fleet.json<{ tokens: { id: string; countersigned: number; uses: number }[] }>(
      'token',
      'list',
    )
    const { countersigned, uses } = tokens.find(({ id }) => id === made.id) ?? {}
    assert.deepEqual({ countersigned, uses }, { countersigned: 2, uses: 1 })
  })

  it('that are revoked are dropped, told so, and listed with the reason', async () => {
    const second = await fleet.device('second')
    const peer = (await member('second'))?.peer
    const result = await fleet.json<{ revoked: { peer: string }[] }>(
      'revoke',
      'second',
      '--reason',
      'stolen',
      '--wait',
      '60',
    )
    assert.deepEqual(result.revoked, [{ name: 'second', peer }])
    await second.logged('that it was revoked', ({ msg, reason }) => /revoked/.test(`${msg} ${reason}`))
    const { members } = await fleet.json<{ members: Member[] }>('members', '--wait', '60')
    const row = members.find(each => each.peer === peer)
    assert.equal(row?.state, 'revoked')
    assert.equal(row?.revoked?.reason, 'stolen')
    const error = await fleet.error('revoke', 'second')
    assert.equal(error.code, 'unknown-member')
  })

  it('with nothing but a revoked token are members no longer', async () => {
    const { token, id } = await fleet.json<{ token: string; id: string }>('token', '--names', 'third')
    await fleet.json('token', 'revoke', id.slice(0, 8), '--wait', '60')
    const third = await fleet.device('third')
    third.start(token)
    await until('third to be refused by a controller', async () => {
      await fleet.json('members', '--wait', '5')
      return (await third.logLines()).some(({ reason }) => /the join token of third was revoked/.test(reason ?? ''))
    })
    const { tokens } = await fleet.json<{ tokens: { id: string; state: string }[] }>('token', 'list')
    assert.equal(tokens.find(each => each.id === id)?.state, 'revoked')
    assert.equal(await member('third'), undefined)
  })
})
