/** Samples of machines: from files as kernels write them, from nonsense, and of the machine that runs this. */

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { ClockOffset } from './clock-offset.ts'
import { type OwnReadings, Sampler } from './sampler.ts'

const quiet: OwnReadings = {
  uplinkBytes: () => undefined,
  peers: () => 3,
  clockOffset: () => 1.5,
  failedUnits: async () => ['web.service'],
}

const files: Record<string, string> = {
  'proc/stat': 'cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 100 0 100 700 100 0 0 0 0 0\n',
  'proc/meminfo':
    'MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    250 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n',
  'proc/pressure/cpu': 'some avg10=1.00 avg60=2.50 avg300=0.10 total=12\n',
  'proc/pressure/io':
    'some avg10=1.00 avg60=40.25 avg300=0.10 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n',
  'proc/loadavg': '0.52 0.58 0.59 1/389 1234\n',
  'proc/uptime': '86400.55 100000.00\n',
  'proc/net/dev':
    'Inter-|   Receive  |  Transmit\n face |bytes\n    lo: 99999 1 0 0 0 0 0 0 99999 1 0 0 0 0 0 0\n  eth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\nveth12: 5555 1 0 0 0 0 0 0 5555 1 0 0 0 0 0 0\n',
  'sys/class/thermal/thermal_zone0/temp': '48312\n',
  'sys/class/hwmon/hwmon0/temp1_input': '61850\n',
  'sys/class/hwmon/hwmon0/temp2_input': '-128000\n',
  'sys/devices/platform/soc/soc:firmware/get_throttled': '50005\n',
  'sys/block/mmcblk0/device/life_time': '0x02 0x04\n',
}

async function machine(t: TestContext, content: Record<string, string>): Promise<string> {
  const root = await testDirectory(t)
  for (const [name, text] of Object.entries(content)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}

describe('a sample', () => {
  it('is what the kernel says of a Raspberry Pi', async t => {
    const root = await machine(t, files)
    const sampler = new Sampler(quiet, root)
    const first = await sampler.take()
    assert.deepEqual(first, {
      ...{ memory: 75, 'pressure-cpu': 2.5, 'pressure-io': 40.25, load: 0.52, uptime: 86_400, temperature: 61.85 },
      ...{ 'under-voltage': 1, wear: 40, peers: 3, 'clock-offset': 1.5, 'failed-units': 1 },
    })
    await writeFile(join(root, 'proc/stat'), 'cpu  200 0 150 850 100 0 0 0 0 0\n')
    await writeFile(join(root, 'proc/net/dev'), '  eth0: 501000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n')
    const second = await sampler.take()
    assert.equal(second.cpu, 50)
    assert.equal(second.sent, 0)
    assert.ok((second.received ?? 0) > 0)
    assert.deepEqual(sampler.failed, ['web.service'])
  })

  it('has nothing that the machine does not have, or that makes no sense', async t => {
    const nonsense = Object.fromEntries(Object.keys(files).map(name => [name, 'NaN -1 e\0\n']))
    for (const content of [{}, nonsense]) {
      const sampler = new Sampler({ ...quiet, failedUnits: async () => undefined }, await machine(t, content))
      assert.deepEqual(await sampler.take(), { peers: 3, 'clock-offset': 1.5 })
      assert.deepEqual(
        Object.values(await sampler.take()).filter(value => !Number.isFinite(value)),
        [],
      )
    }
  })

  it('of the machine that runs this makes sense', async () => {
    const sampler = new Sampler(quiet)
    await sampler.take()
    const sample = await sampler.take()
    for (const name of ['memory', 'disk'] as const) {
      const value = sample[name] ?? assert.fail(name)
      assert.ok(value > 0 && value <= 100, `${name} ${value}`)
    }
  })

  it('counts bytes of each update from nothing', async t => {
    let bytes = 1000
    const sampler = new Sampler({ ...quiet, uplinkBytes: () => bytes }, await machine(t, files))
    await sampler.take()
    bytes = 400
    assert.ok(((await sampler.take()).uplink ?? 0) > 0)
    assert.equal((await sampler.take()).uplink, 0)
  })
})

describe('the offset of the clock', () => {
  it('is the median of the neighbours, each by the report that came quickest', () => {
    let now = Date.parse('2026-01-31T12:00:00Z')
    const offset = new ClockOffset({ isNeighbour: peer => peer !== 'far', now: () => now })
    assert.equal(offset.seconds, undefined)
    for (const [peer, at] of [
      ['a', '2026-01-31T11:00:00Z'],
      ['a', '2026-01-31T12:00:05Z'],
      ['b', '2026-01-31T12:00:04Z'],
      ['c', '2031-01-31T12:00:00Z'],
      ['far', '2020-01-31T12:00:00Z'],
    ] as const) {
      offset.heard({ peer, at })
    }
    offset.heard({ peer: 'b', at: undefined })
    assert.equal(offset.seconds, 5)
    now += 2 * 3600_000
    assert.equal(offset.seconds, undefined)
  })
})
