/** Witnessed logs over real connections: an operator verifies one, and every lie about it is found and kept as evidence. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { noted } from '../../controller/api/noted-order.ts'
import { orders, workOf } from '../../controller/api/orders.ts'
import { alarmsOf } from '../../controller/queries/alarms.ts'
import { queryAudit } from '../../controller/queries/audit.ts'
import { openDeviceStream } from '../../controller/session/device-streams.ts'
import type { WitnessedLog } from '../../node/audit/witnessed-log.ts'
import type { ControllerLog } from '../../node/peer/controller-log.ts'
import { rootOf, type TreeHead } from '../../protocol/audit/merkle.ts'
import { forkedLogsExtension } from '../../protocol/report/witnessed-log.ts'
import { serveAccess } from '../helpers/access.ts'
import { withCode } from '../helpers/errors.ts'
import { testSigner } from '../helpers/fleet.ts'
import { connect, gossiping } from '../helpers/mesh.ts'
import { sessionOf, testSession } from '../helpers/session.ts'
import { testDirectory } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'
import { extend, logOf, serveLog, witnessedReport } from '../helpers/witnessed.ts'

const words = (count: number, word = 'entry') => Array.from({ length: count }, (_, at) => `${word} ${at}`)

async function scene(t: TestContext, count = 40) {
  const { session, controller, devices, mesh } = await testSession(t, 1)
  const [device] = devices
  assert.ok(device)
  const shown: { log: Pick<WitnessedLog, 'head' | 'entries' | 'proof'> } = { log: await logOf(...words(count)) }
  const log = shown.log as WitnessedLog
  await serveLog(mesh, device, () => shown.log)
  let counter = 2
  const report = async (head: TreeHead | undefined) => {
    counter += 2
    await controller.directory.addReport(witnessedReport(device, counter, head))
  }
  const about = { device: device.word, lines: 10, verify: false, bytes: false, wait: 10 }
  const audit = (more: Partial<typeof about> = {}) => queryAudit(session, { ...about, ...more })
  const alarms = () => alarmsOf(session.peer).map(({ kind, verified }) => ({ kind, verified }))
  return { session, controller, device, shown, log, report, audit, alarms }
}

const alarm = [{ kind: 'log', verified: true }]

describe('a witnessed log', () => {
  it('is verified against the head in the newest report, and that against all older ones', async t => {
    const { log, report, audit, alarms } = await scene(t, 3)
    for (const more of [0, 5, 700, 30]) {
      await extend(log, ...words(more, 'later'))
      await report(log.head)
      await audit()
    }
    // Since its report, the log has grown.
    await extend(log, 'unreported')
    const newest = await audit()
    assert.deepEqual(
      { ...newest, entries: newest.entries.length },
      {
        ...{ device: newest.device, peer: newest.peer, size: 738, root: newest.root, reported: newest.reported },
        ...{ verified: true, problem: null, from: 728, heads: { agree: 3, tooOld: 0 }, entries: 10 },
      },
    )
    assert.equal(newest.entries.at(-1)?.about.name, 'later 29')
    const all = await audit({ verify: true, bytes: true })
    assert.deepEqual([all.from, all.entries.length, all.verified], [0, 738, true])
    assert.match(all.proof?.checkpoint ?? '', /^thymesh\/[0-9a-f]{16}\/audit\/12D3KooW\w+\n738\n/)
    assert.deepEqual(alarms(), [])
  })

  it('is not what was signed where an entry was changed, left out, swapped or kept back', async t => {
    const { shown, log, report, audit, alarms } = await scene(t)
    await report(log.head)
    const lies: ((entries: Uint8Array[]) => Uint8Array[])[] = [
      entries => entries.with(-3, entries[0] as Uint8Array),
      entries => entries.toSpliced(-3, 1),
      entries => entries.with(0, entries[1] as Uint8Array).with(1, entries[0] as Uint8Array),
      () => [],
    ]
    for (const lie of lies) {
      shown.log = {
        head: log.head,
        proof: (before, after) => log.proof(before, after),
        entries: async (range, bytes) => {
          const honest = await log.entries(range, bytes)
          return { ...honest, entries: lie(honest.entries) }
        },
      }
      const { verified, problem } = await audit()
      assert.deepEqual([verified, problem?.kind], [false, 'entries'])
    }
    assert.deepEqual(alarms(), alarm)
  })

  it('that was cut is found by the next report, and by whoever asks before', async t => {
    const { shown, log, report, audit, alarms } = await scene(t)
    await report(log.head)
    shown.log = await logOf(...words(30))
    assert.equal((await audit()).problem?.kind, 'shrank')
    assert.deepEqual(alarms(), alarm)
    const other = await scene(t)
    await other.report(other.log.head)
    await other.report({ size: 30, root: rootOf([]) })
    assert.deepEqual(other.alarms(), alarm)
  })

  it('that was cut is found though a report without a head came between', async t => {
    const { log, report, alarms } = await scene(t)
    await report(log.head)
    await report(undefined)
    await report((await logOf(...words(30))).head)
    assert.deepEqual(alarms(), alarm)
  })

  it('that was written anew is found, by the same size at once, at a larger one by its proofs', async t => {
    const { shown, log, report, audit, alarms } = await scene(t)
    await report(log.head)
    await audit()
    const other = await logOf(...words(25), ...words(60, 'another'))
    shown.log = other
    await report(other.head)
    assert.deepEqual(alarms(), [])
    assert.equal((await audit()).problem?.kind, 'forked')
    assert.equal((await audit({ verify: true })).problem?.kind, 'forked')
    assert.deepEqual(alarms(), alarm)
    const same = await scene(t)
    await same.report(same.log.head)
    await same.report((await logOf(...words(40, 'another'))).head)
    assert.deepEqual(same.alarms(), alarm)
  })

  it('that another device calls forked is its claim', async t => {
    const { controller, device, session } = await scene(t)
    const said = witnessedReport(device, 10, undefined, forkedLogsExtension([controller.identity.peerId]))
    await controller.directory.addReport(said)
    assert.deepEqual(alarmsOf(session.peer), [
      {
        ...{ kind: 'log', subject: controller.identity.peerId, verified: false },
        claimedBy: [{ device: device.word, peer: device.identity.peerId }],
      },
    ])
  })

  it('of a device whose reports have no head is not there', async t => {
    const { audit } = await scene(t)
    await assert.rejects(audit(), withCode('no-log'))
  })
})

describe('the log of a controller', () => {
  it('has what was ordered and opened; others verify it once its reports say its head', async t => {
    const { session, controller, devices, fleet, mesh } = await testSession(t, 1)
    const about = { device: 'ada', lines: 50, verify: true, bytes: false, wait: 10 }
    await assert.rejects(queryAudit(session, about), withCode('no-log'))
    await session.peer.ownLog.stays('serve')
    await noted(session, { order: 'deploy', options: { message: 'new' } }, async () => ({ release: 7 }))
    await assert.rejects(workOf('approve', orders.approve.options.parse({ id: '0'.repeat(64) }), session)({} as never))
    const [device] = devices
    assert.ok(device)
    await serveAccess(mesh, device)
    const stream = await openDeviceStream(session, { device: device.word })
    stream.on('error', () => {}).destroy()
    await until(async () => (await queryAudit(session, about)).entries.length === 6, 'all to be written')
    const own = await queryAudit(session, about)
    assert.deepEqual([own.verified, own.reported, own.from], [true, null, 0])
    assert.deepEqual(
      own.entries.map(({ what, about: { order, state, release, command, device, kind } }) => {
        return [what, order ?? command ?? device, state ?? kind, release].filter(each => each !== undefined).join(' ')
      }),
      [
        ...['controller-started serve', 'order-began deploy', 'order-ended deploy done 7'],
        ...['order-began approve', 'order-ended approve failed', 'stream-opened device-1 forward'],
      ],
    )
    const certificate = fleet.certify(testSigner('bob'), { name: 'bob', role: 'controller' })
    const bob = await mesh.start({ word: 'bob', fleet, certificate })
    await connect(bob, controller)
    await gossiping([bob, controller])
    const asked = await sessionOf(bob, fleet, await testDirectory(t))
    await assert.rejects(queryAudit(asked, about), withCode('no-log'))
    await (controller.door.ownLog as ControllerLog).start()
    await session.peer.sendAlerts({ folder: mesh.directory })
    mesh.after(async () => await session.peer.alerts?.stop())
    await until(() => bob.directory.report(controller.identity.peerId) !== undefined, 'its report')
    const seen = await queryAudit(asked, about)
    assert.deepEqual([seen.verified, seen.entries], [true, own.entries])
  })
})
