/** A courier: a laptop without Nix and without signing keys brings a release to a dark site, and its reports home. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { main } from '../helpers/program.ts'
import { nixSkip } from '../nix/workshop.ts'
import { carried } from './helpers/carried.ts'
import type { Device } from './helpers/device.ts'
import type { Fleet, Row } from './helpers/fleet.ts'
import { until } from './helpers/processes.ts'

interface News {
  release: number
  connected: string[]
  updated: string[]
}

describe('a courier', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let dark: Device
  let bundle: string
  let top: string
  let token: string

  before(async () => {
    const tokens = async (made: Fleet) => ({
      relay: await made.token('--relay', '--names', 'kim'),
      device: await made.token('--site', 'ship'),
    })
    const { more, ...scene } = await carried(tokens)
    ;({ fleet, bundle, top, dark } = scene)
    token = more.relay
    dark.start(more.device)
  })
  after(() => fleet.remove())

  it('is refused without a token of a relay', async () => {
    const state = join(fleet.directory, 'nobody')
    assert.equal((await fleet.error('courier', bundle, '--state', state)).code, 'no-token')
    const device = await fleet.token('--names', 'dark')
    assert.equal((await fleet.error('courier', bundle, '--state', state, '--join', device)).code, 'not-a-relay')
  })

  it('brings a release to a device that has never met a peer', async () => {
    await using courier = await Courier.start(fleet, [bundle, '--join', token, '--bootstrap', dark.address])
    await dark.runs(top)
    assert.equal(await dark.etc('hello'), 'version 1\n')
    await courier.says(({ updated }) => updated.includes('dark'))
  })

  it('brings home what has happened there', async () => {
    await dark.stop()
    await using _courier = await Courier.start(fleet, ['--bootstrap', fleet.address])
    const { devices } = await until('the report of the dark device', async () => {
      const status = await fleet.json<{ devices: Row[] }>('status', '--wait', '3')
      return status.devices.some(row => row.device === 'dark' && row.state === 'running') && status
    })
    assert.equal(devices.find(({ device }) => device === 'dark')?.running, top)
  })
})

/** A courier as a process of its own, with a PATH that has no Nix. */
class Courier {
  readonly #end: () => Promise<void>
  readonly #news: News[]

  private constructor(news: News[], end: () => Promise<void>) {
    this.#news = news
    this.#end = end
  }

  static async start(fleet: Fleet, args: string[]): Promise<Courier> {
    const place = [
      '--state',
      join(fleet.directory, 'courier'),
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--no-mdns',
      '--json',
    ]
    const env = { ...fleet.env, PATH: '/nonexistent' }
    const child = spawn(process.execPath, [main, 'courier', ...args, ...place], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    const news: News[] = []
    createInterface({ input: child.stdout }).on('line', line => news.push(JSON.parse(line)))
    return new Courier(news, async () => {
      child.kill('SIGTERM')
      await ended
    })
  }

  async says(fits: (news: News) => boolean): Promise<void> {
    await until('the courier to tell', () => this.#news.some(fits))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }
}
