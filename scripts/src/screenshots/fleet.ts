/** The fleet of the pictures: eight devices at three sites, one of which fails the update that the others are in the middle of. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { callRunning } from '../../../controller/api/client.ts'
import { Fleet } from '../../../test/e2e/helpers/fleet.ts'
import { Daemon, freePort, until } from '../../../test/e2e/helpers/processes.ts'
import { hello } from '../../../test/e2e/helpers/project.ts'

const devices: Readonly<Record<string, { site: string; config: string; tags?: string[] }>> = {
  'kiosk-harbour-1': { site: 'hamburg', config: 'kiosk', tags: ['canary'] },
  'kiosk-harbour-2': { site: 'hamburg', config: 'kiosk' },
  'sign-terminal-a': { site: 'hamburg', config: 'signage', tags: ['canary'] },
  'kiosk-old-town': { site: 'bremen', config: 'kiosk', tags: ['canary'] },
  'sign-market': { site: 'bremen', config: 'signage' },
  'ferry-annika-bridge': { site: 'ferry-annika', config: 'bridge' },
  'ferry-annika-deck': { site: 'ferry-annika', config: 'signage' },
  'ferry-annika-mess': { site: 'ferry-annika', config: 'kiosk' },
}
/** It has a file of its own where the update puts one. */
const failing = 'sign-terminal-a'

/** Eight daemons start on one machine. */
const patient = { limitMs: 600_000, everyMs: 2_000 }

interface Rollout {
  waves: { state: string; confirmed: number; failed: number; devices: unknown[] }[]
}

export class PicturedFleet {
  readonly fleet: Fleet
  /** Of the page. */
  readonly address: string
  readonly #controller: Daemon

  private constructor(fleet: Fleet, controller: Daemon, address: string) {
    this.fleet = fleet
    this.#controller = controller
    this.address = address
  }

  /** In the middle of a rollout: the first wave has confirmed but for one device, the second one waits. */
  static async make(): Promise<PicturedFleet> {
    const fleet = await Fleet.prepare()
    try {
      const place = ['--listen', fleet.address, '--bootstrap', fleet.address, '--no-mdns', '--store', fleet.store]
      await fleet.json('init', '.', '--name', 'harbour', '--operator', 'ada', '--no-passphrase', ...place)
      await fleet.commit('Declare kiosks, signs and the ferry', {
        'configs/hello.json': undefined,
        'devices/first.json': undefined,
        'configs/kiosk.json': hello('Welcome aboard'),
        'configs/signage.json': hello('Departures'),
        'configs/bridge.json': hello('Bridge'),
        'tags/canary.json': {},
        'modules/board.nix': `{ portable = _: { etc."board".text = "departures"; }; }`,
        ...Object.fromEntries(
          Object.entries(devices).map(([name, { config, tags }]) => [
            `devices/${name}.json`,
            { config, ...(tags && { tags }) },
          ]),
        ),
      })
      const made = await Promise.all(
        Object.entries(devices).map(async ([name, { site }]) => ({ site, device: await fleet.device(name) })),
      )
      const bootstrap = made.slice(0, 2).flatMap(({ device }) => ['--bootstrap', device.address])
      const token = await fleet.token('--names', '*', ...bootstrap)
      for (const { device, site } of made) {
        device.start(token, '--site', site)
        await mkdir(join(device.root, 'etc'), { recursive: true })
        if (device.name === failing) await writeFile(join(device.root, 'etc/board'), 'made by hand\n')
      }
      const log = join(fleet.directory, 'web.log')
      const args = ['--print', '--port', String(await freePort()), '-p', fleet.project]
      const controller = new Daemon(args, { cwd: fleet.directory, env: fleet.env, logFile: log, command: 'web' })
      const found = async () => {
        if (!controller.running) throw new Error(await controller.log())
        return /http:\/\/127\.0\.0\.1:\d+\//.exec(await controller.log())?.[0]
      }
      const address = await until('the page', found, { ...patient, explain: () => controller.log() })
      const socket = join(fleet.home, (await fleetOf(fleet)).slice(0, 16), 'state/local.sock')
      const ask = async <T>(path: string, body?: object): Promise<T> => {
        const answer = await callRunning(socket, { path, ...(body && { method: 'POST', body }) })
        if (typeof answer === 'string') throw new Error(await controller.log())
        return answer.json as T
      }
      const deploy = async (message: string) => await ask('/v1/deploy', { project: fleet.project, message })
      const told = { ...patient, explain: () => fleet.logs() }
      await deploy('First version for all sites')
      const allRun = async () => {
        const { devices } = await ask<{ devices: { state: string }[] }>('/v1/status')
        return devices.length === made.length && devices.every(({ state }) => state === 'running')
      }
      await until('all devices to run it', allRun, told)
      await fleet.commit('Show departures', {
        'configs/kiosk.json': hello('Welcome aboard the Annika'),
        'configs/signage.json': hello('Departures', { board: {} }),
        'configs/bridge.json': hello('Bridge, with tides'),
        'rollout.json': { waves: [{ tag: 'canary', failures: 1 }, { onePerSite: true }], soakSeconds: 7200 },
      })
      await deploy('Departures on all signs, tides on the bridge')
      const inTheMiddle = async () => {
        const [first] = (await ask<Rollout>('/v1/rollout')).waves
        return first?.confirmed === 2 && first.failed === 1
      }
      await until('the first wave', inTheMiddle, told)
      return new PicturedFleet(fleet, controller, address)
    } catch (thrown) {
      await fleet.remove()
      throw thrown
    }
  }

  /** An address that lets one browser in. */
  async open(): Promise<string> {
    return (await this.fleet.json<{ url: string }>('web', '--print')).url
  }

  async remove(): Promise<void> {
    await this.#controller.end()
    await this.fleet.remove()
  }
}

/** The fleet's ID, which its project names. */
async function fleetOf({ project }: Fleet): Promise<string> {
  return JSON.parse(await readFile(join(project, 'thymesh.json'), 'utf8')).fleet
}
