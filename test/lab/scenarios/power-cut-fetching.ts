/** The power goes in the middle of a fetch, with it what was not synced; what was staged and is whole is not fetched again. */

import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, openSync, readdirSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { blobModule, hello } from '../../e2e/helpers/project.ts'
import { BlockDisk } from '../block-disk.ts'
import type { LabDevice } from '../device.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'
import { quickPolicy, Updates } from './updates.ts'

const MEGABYTE = 1 << 20
/** A fetch of so much takes some 15 seconds. */
const blobMegabytes = 48
const bytesPerSecond = 4 * MEGABYTE
/** The bytes that come between a look at the disk and the next step. */
const untold = bytesPerSecond

/** How far a fetch is, as the daemon logs it. */
interface Said {
  msg: string
  needed: number
  fromNeighbours: number
  fromControllers: number
}

export const powerCutFetching: Scenario = {
  name: 'power-cut-fetching',
  title: 'the power goes while a large closure is fetched, and with it what was not synced',
  async run(trials) {
    await using fleet = await LabFleet.create('depot', 'gate')
    // At one site: what the depot has is not asked of the operator.
    const slow = { upload: { bytesPerSecond } }
    await fleet.device({ name: 'depot', site: 'north', settings: slow })
    const gate = await fleet.device({ name: 'gate', site: 'north', diskMegabytes: 600, blockDisk: true })
    const { disk } = gate
    assert.ok(disk instanceof BlockDisk)
    const staging = join(disk.directory, 'state', 'staging')
    const updates = new Updates(fleet, gate)
    await updates.deployed('0')
    await disk.sync()
    let at = 0
    let release = 0
    /** Starts of the daemon that its log told of before the one that counts. */
    let starts = 0
    const startsIn = (log: string) => log.split('"peer started"').length - 1
    const boot = async () => {
      await gate.host.boot()
      await gate.until('to start its daemon', async () => startsIn(await gate.log()) > starts)
    }

    /** A new release, which the depot has already; then the gate boots and fetches it from there. */
    const begin = async (): Promise<void> => {
      release = (await updates.journal())?.release ?? 0
      starts = startsIn(await gate.log())
      await gate.host.stop()
      const version = String(++at)
      const policy = JSON.stringify({ ...quickPolicy, confirm: { deadlineSeconds: 60, peers: 0 } })
      await fleet.operator.commit(version, {
        'modules/blob.nix': blobModule,
        'modules/extra.nix': `{ portable = _: { }; policy = _: builtins.fromJSON ''${policy}''; }`,
        'configs/hello.json': hello(version, { extra: {}, blob: { megabytes: blobMegabytes + at, noise: true } }),
      })
      await fleet.operator.json('deploy', '-m', version, '--wait-for', 'depot', '--timeout', '85')
      await boot()
    }
    /** The power goes, and what was not synced; with it what `more` takes from the disk. */
    const cut = async (more?: () => void): Promise<void> => {
      starts = startsIn(await gate.log())
      await gate.host.powerCut()
      await disk.loseUnsynced()
      more?.()
      await boot()
    }
    /** The daemon's log lines about its fetch since its last start. */
    const said = async (): Promise<Said[]> => {
      const lines = (await gate.log()).split('\n')
      const started = lines.findLastIndex(line => line.includes('"peer started"'))
      return lines.slice(started).flatMap(line => (line.includes('"needed"') ? [JSON.parse(line) as Said] : []))
    }
    const came = (each: Said | undefined) => (each?.fromNeighbours ?? 0) + (each?.fromControllers ?? 0)
    /** Waits until so much of it is staged, and says how much: the path is imported only when it is whole. */
    const fetched = async (megabytes: number): Promise<number> =>
      await gate.until(`to have fetched ${megabytes} MB`, async () => {
        const bytes = filesIn(staging).reduce((sum, path) => sum + statSync(path).blocks * 512, 0)
        return bytes > megabytes * MEGABYTE && bytes
      })
    /** Waits for the end, and says what came twice; `whole` is what was staged and whole when the machine came up. */
    const ends = async (before: number, whole: number): Promise<string> => {
      await updates.journalled('committed', release)
      await updates.is(String(at))
      const last = (await said()).at(-1)
      assert.ok(last)
      assert.equal(came(last), last.needed, 'each chunk comes once after the power cut')
      const all = (blobMegabytes + at) * MEGABYTE
      const reused = Math.max(0, all - last.needed)
      assert.ok(reused >= whole - untold, `expected ${whole} staged bytes to be used, got ${reused}`)
      assert.ok(reused < all, 'some was lost')
      await verified(gate)
      const twice = Math.max(0, before - reused)
      const megabytes = (bytes: number) => `${(bytes / MEGABYTE).toFixed(1)} MB`
      return `${megabytes(reused)} used again, at least ${megabytes(twice)} of ${megabytes(all)} came twice`
    }

    for (const [synced, fetching] of [
      [0, 12],
      [12, 24],
      [24, 40],
    ] as const) {
      await trials.of(`power cut at ${fetching} of ${blobMegabytes} MB, ${synced} MB of them synced`, async () => {
        await begin()
        if (synced > 0) {
          await fetched(synced)
          await disk.sync()
        }
        const before = await fetched(fetching)
        await cut()
        return await ends(before, synced * MEGABYTE)
      })
    }

    await trials.of('power cut that leaves torn and zeroed staging files', async () => {
      await begin()
      const before = await fetched(24)
      await disk.sync()
      let torn = 0
      await cut(() => {
        torn = tear(staging)
      })
      return await ends(before, before - torn - untold)
    })
  },
}

/** All files under a folder, if it is there. */
function filesIn(directory: string): string[] {
  try {
    const found = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(each => each.isFile())
    return found.map(({ parentPath, name }) => join(parentPath, name))
  } catch {
    return []
  }
}

/** Zeroes the middle of each staging file and cuts its end off, as file systems may leave them; returns the bytes lost at most. */
function tear(directory: string): number {
  let lost = 0
  const files = filesIn(directory)
  assert.ok(files.length > 0, 'something is staged')
  for (const path of files) {
    const { size } = statSync(path)
    const part = Math.floor(size / 10)
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(part), 0, part, part * 3)
    ftruncateSync(file, size - part)
    closeSync(file)
    // And the chunks that these begin and end in.
    lost += 2 * part + 4 * 256 * 1024
  }
  return lost
}

/** Nothing wrong is in its store: Nix reads all of it. */
async function verified(gate: LabDevice): Promise<void> {
  await gate.host.must(['nix-store', '--verify', '--check-contents'])
}
