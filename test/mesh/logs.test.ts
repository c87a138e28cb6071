/** Logs over real connections: given to controllers alone, bounded, and never a way to run anything. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import type { JournalQuery, JournalReader } from '../../node/logs/journal-reader.ts'
import { logsAtOnce, logsPerPeer, logsPerPeerPerSecond } from '../../node/logs/limits.ts'
import { askForLog, LogService } from '../../node/logs/log-service.ts'
import { sha256, toHex } from '../../protocol/encoding/hash.ts'
import { limits } from '../../protocol/limits.ts'
import { historyCodec, type LogRequest, logRequestCodec } from '../../protocol/messages/logs.ts'
import { withCode } from '../helpers/errors.ts'
import { testSigner } from '../helpers/fleet.ts'
import { silentLogger } from '../helpers/log.ts'
import { connect, liveFleet, Mesh, reportOf } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

const journal: LogRequest = { journal: { unit: 'web.service', lines: 50 } }
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

interface SceneInit {
  /** The role of the peer that asks. */
  role?: 'controller' | 'device'
  journal?: JournalReader
  now?: () => number
}

async function scene(t: TestContext, { role = 'controller', journal = async () => 'a line\n', now }: SceneInit = {}) {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const device = await mesh.start({ word: 'device', fleet })
  const certificate = fleet.certify(testSigner('asker'), { name: 'asker', role })
  const asker = await mesh.start({ word: 'asker', fleet, certificate })
  const queries: JournalQuery[] = []
  const logs = new LogService({
    host: device.host,
    names: device.names,
    admission: device.admission,
    history: device.history,
    journal: async query => {
      queries.push(query)
      return await journal(query)
    },
    activation: async hash => (hash === toHex(sha256(Buffer.from('x'))) ? Buffer.from('switched\n') : undefined),
    peer: device.identity.peerId,
    log: silentLogger,
    ...(now && { now }),
  })
  await logs.start()
  mesh.after(() => logs.stop())
  await connect(asker, device)
  return { device, queries, ask: (request: LogRequest) => askForLog(asker, device.host.peerId, request) }
}

describe('a device asked for its logs', () => {
  it('gives a controller its journal, the log of an activation and its history', async t => {
    const { ask, queries, device } = await scene(t)
    assert.equal(text(await ask(journal)), 'a line\n')
    assert.deepEqual(queries, [{ unit: 'web.service', lines: 50 }])
    assert.equal(text(await ask({ activation: sha256(Buffer.from('x')) })), 'switched\n')
    await assert.rejects(ask({ activation: sha256(Buffer.from('y')) }), withCode('not-found'))

    assert.deepEqual(historyCodec.decode(await ask({ history: true })), [])
    const report = { state: 'running', release: 2, at: '2026-01-31T12:00:00Z' } as const
    await device.directory.addReport(reportOf(device, 1, report))
    await device.directory.addReport(reportOf(device, 2, report))
    const entries = async () => historyCodec.decode(await ask({ history: true }))
    await until(async () => (await entries()).length > 0, 'the history to have an entry')
    assert.deepEqual(await entries(), [{ release: 2, outcome: 'running', at: '2026-01-31T12:00:00Z' }])
  })

  it('gives another device nothing', async t => {
    const { ask, queries } = await scene(t, { role: 'device' })
    for (const request of [journal, { history: true } as const])
      await assert.rejects(ask(request), withCode('not-served'))
    assert.deepEqual(queries, [])
  })

  it('never sends more than the limit, and the newest lines of it', async t => {
    const whole = `${'an old line\n'.repeat(limits.logBytes / 10)}the end\n`
    const { ask } = await scene(t, { journal: async () => whole })
    const bytes = await ask(journal)
    assert.ok(bytes.length <= limits.logBytes)
    assert.match(text(bytes), /^an old line\n/)
    assert.match(text(bytes), /the end\n$/)
  })

  it('reads few logs at a time, and refuses the others', async t => {
    const held = Promise.withResolvers<string>()
    const { ask, queries } = await scene(t, { journal: () => held.promise })
    const served = Array.from({ length: logsAtOnce }, () => ask(journal))
    await until(() => queries.length === logsAtOnce, 'the device to read its journal')
    await assert.rejects(ask(journal), withCode('busy'))
    held.resolve('a line\n')
    for (const bytes of await Promise.all(served)) assert.equal(text(bytes), 'a line\n')
  })

  it('limits the rate at which a controller asks', async t => {
    let now = 0
    const { ask, queries } = await scene(t, { now: () => now })
    for (let asked = 0; asked < logsPerPeer; asked++) await ask(journal)
    await assert.rejects(ask(journal), withCode('busy'))
    now += 1000 / logsPerPeerPerSecond
    await ask(journal)
    await assert.rejects(ask(journal), withCode('busy'))
    assert.equal(queries.length, logsPerPeer + 1)
  })
})

describe('requests for logs', () => {
  it('are refused when they are anything but the name of one unit', () => {
    const names = [
      'web.service; reboot',
      '--vacuum-size=1.service',
      '-u.service',
      '*.service',
      '$(reboot).service',
      '../web.service',
      'web.service\n',
      'web',
      `${'a'.repeat(250)}.service`,
      '',
    ]
    for (const unit of names) {
      const request = { journal: { unit, lines: 1 } }
      assert.throws(() => logRequestCodec.encode(request), withCode('malformed'), unit)
      assert.throws(() => logRequestCodec.decode(encode(request)), withCode('malformed'), unit)
    }
    for (const unit of ['web.service', 'getty@tty1.service', 'dev-disk-by\\x2dlabel.mount', 'a:b_c.timer']) {
      logRequestCodec.encode({ journal: { unit, lines: 1 } })
    }
  })

  it('are bounded in lines and say when in one way only', () => {
    for (const more of [{ lines: 0 }, { lines: limits.logLines + 1 }, { lines: 1, since: 'yesterday' }]) {
      assert.throws(() => logRequestCodec.encode({ journal: more }), withCode('malformed'))
    }
  })
})
