/** Tests of the health check: real probes, and units as a machine might have them. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { type Probe, policyOf } from '../../protocol/release/update-policy.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { testUnit } from '../../test/helpers/unit-state.ts'
import { checkHealth } from './health.ts'
import { UnitWatch } from './unit-health.ts'

const signal = new AbortController().signal
/** Asked once: an answer may take long on a busy machine. */
const quick = { intervalSeconds: 1, withinSeconds: 1, timeoutSeconds: 60 }

/** Units that are failed at each look; the last look counts for all later ones. */
function watchOf(failed: string[][], baseline: string[]) {
  let look = 0
  const ask = async () => {
    const names = failed[Math.min(look++, failed.length - 1)] ?? []
    return names.map(name => testUnit(name, { active: 'failed', sub: 'failed' }))
  }
  return new UnitWatch(ask, { baseline, output: '', windowSeconds: 0 })
}

async function healthOf(options: {
  probes?: Probe[]
  failed?: string[][]
  active?: boolean
  startsUnits?: boolean
  baseline?: string[]
}) {
  const { probes = [], failed = [[]], active = true, startsUnits = true, baseline = [] } = options
  const system = { startsUnits, unitIsActive: async () => active }
  const { health } = policyOf({ health: { probes, settleSeconds: 0 } })
  return await checkHealth({ system, log: silentLogger }, health, watchOf(failed, baseline), { signal, pollMs: 1 })
}

async function site(t: TestContext, answer: () => number): Promise<number> {
  const server = createServer((_, response) => response.writeHead(answer()).end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

describe('the health after a switch', () => {
  it('is good when nothing is asked and nothing failed', async () => {
    assert.deepEqual((await healthOf({})).health, { state: 'healthy' })
  })

  it('does not mind units that failed before, and minds those that had not', async () => {
    const old = await healthOf({ failed: [['old.service']], baseline: ['old.service'] })
    assert.equal(old.health.state, 'healthy')
    const both = await healthOf({ failed: [['old.service', 'new.service']], baseline: ['old.service'] })
    assert.deepEqual(both.health, { state: 'degraded', units: ['new.service'] })
    assert.match(both.findings.join(), /new\.service/)
  })

  it('gives units time to recover, and looks at the end of it', async () => {
    assert.equal((await healthOf({ failed: [['a.service'], []] })).health.state, 'healthy')
    assert.equal((await healthOf({ failed: [[], ['a.service']] })).health.state, 'degraded')
  })

  it('watches for the whole settling time', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let late = false
    const ask = async () => [testUnit('a.service', late ? { active: 'failed' } : {})]
    const watch = new UnitWatch(ask, { baseline: [], output: '', windowSeconds: 10 })
    const { health } = policyOf({ health: { settleSeconds: 20 } })
    const system = { startsUnits: true, unitIsActive: async () => true }
    const verdict = checkHealth({ system, log: silentLogger }, health, watch, { signal, pollMs: 1 })
    await new Promise(resolve => setImmediate(resolve))
    t.mock.timers.tick(19_000)
    late = true
    t.mock.timers.tick(1000)
    assert.deepEqual((await verdict).health, { state: 'degraded', units: ['a.service'] })
  })

  it('asks ports, URLs, programs and units', async t => {
    const port = await site(t, () => 200)
    const probes: Probe[] = [
      { kind: 'tcp', host: '127.0.0.1', port, ...quick },
      { kind: 'http', url: `http://127.0.0.1:${port}/`, ...quick },
      { kind: 'command', command: ['sh', '-c', 'exit 0'], ...quick },
      { kind: 'unit', unit: 'web.service', ...quick },
    ]
    assert.equal((await healthOf({ probes })).health.state, 'healthy')
  })

  it('fails with any probe, by name, and says why', async t => {
    const port = await site(t, () => 503)
    const probes: Probe[] = [
      { kind: 'http', url: `http://127.0.0.1:${port}/`, name: 'the page', ...quick },
      { kind: 'command', command: ['sh', '-c', 'echo broken; exit 7'], name: 'itself', ...quick },
      { kind: 'command', command: ['/nowhere/program'], name: 'missing', ...quick },
      { kind: 'command', command: ['sleep', '600'], name: 'slow', ...quick, timeoutSeconds: 1 },
      { kind: 'unit', unit: 'web.service', ...quick },
      { kind: 'tcp', host: '127.0.0.1', port, ...quick },
    ]
    const { health, findings } = await healthOf({ probes, active: false })
    assert.equal(health.state, 'failed')
    assert.deepEqual(health.probes, ['the page', 'itself', 'missing', 'slow', 'web.service'])
    assert.match(findings.join('\n'), /got 503.*\n.*code 7: broken/)
  })

  it('wants a probe well so often in a row', async t => {
    const answers = [200, 500, 200, 200, 200]
    const port = await site(t, () => answers.shift() ?? 500)
    const url = `http://127.0.0.1:${port}/`
    const timing = { intervalSeconds: 1, timeoutSeconds: 60, successes: 3, withinSeconds: 120 }
    assert.equal((await healthOf({ probes: [{ kind: 'http', url, ...timing }] })).health.state, 'healthy')
    assert.deepEqual(answers, [])
  })

  it('asks no probe where nothing is started, whatever would answer', async t => {
    let asked = 0
    const port = await site(t, () => {
      asked += 1
      return 500
    })
    const probes: Probe[] = [
      { kind: 'unit', unit: 'web.service', ...quick },
      { kind: 'http', url: `http://127.0.0.1:${port}/`, ...quick },
      { kind: 'command', command: ['/nowhere/program'], ...quick },
    ]
    const { health, findings } = await healthOf({ probes, active: false, startsUnits: false })
    assert.deepEqual([health, findings, asked], [{ state: 'healthy' }, [], 0])
  })
})
