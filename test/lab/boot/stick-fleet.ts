/** A fleet whose device is a plain Debian in QEMU, with the portable target, and a port for USB sticks. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fleet, type RolloutJson } from '../../e2e/helpers/fleet.ts'
import { blobModule, hello } from '../../e2e/helpers/project.ts'
import { daemonUnit } from '../device.ts'
import { LabNetwork } from '../network.ts'
import { ownPrefix, removeRemains } from '../remains.ts'
import { makePortableRoot, programDisk } from './image.ts'
import { BootMachine, bootPatienceMs, quickKernel } from './machine.ts'
import { bootParts } from './parts.ts'
import { UsbPort, usbController } from './sticks.ts'

/** Keeps the words that the hook is told. */
const hook = '/usr/lib/lab/told'
const words = '/run/lab-told'
const modules = {
  thymesh: { sticks: true, stickHook: hook },
  updates: { settleSeconds: 2, deadlineSeconds: 1800, peers: 0 },
}
/** No controller is at the site: a deploy signs, and does not wait for the device. */
const signs = ['--timeout', '1', '--json']
const orderMs = 10 * 60_000

export class StickFleet {
  readonly operator: Fleet
  readonly machine: BootMachine
  /** Where sticks are. */
  readonly directory: string
  readonly #network: LabNetwork
  readonly #cable: string
  #port: UsbPort | undefined

  private constructor(init: {
    operator: Fleet
    machine: BootMachine
    directory: string
    network: LabNetwork
    cable: string
  }) {
    this.operator = init.operator
    this.machine = init.machine
    this.directory = init.directory
    this.#network = init.network
    this.#cable = init.cable
  }

  /** A founded fleet with the device `gate`, which is off. */
  static async create(): Promise<StickFleet> {
    const parts = await bootParts()
    process.stderr.write(`  Linux ${parts.kernel} of Debian\n`)
    const network = await LabNetwork.create()
    const operator = await Fleet.prepare({ host: network.address, through: argv => network.argv(argv) })
    await removeRemains(tmpdir())
    const directory = mkdtempSync(join(tmpdir(), `${ownPrefix}sticks-`))
    try {
      mkdirSync(operator.project, { recursive: true })
      await operator.found('gate')
      const ticket = { token: await operator.token(), name: 'gate' }
      const settings = { log: 'debug', cache: false, mdns: false, bootstrap: [operator.address], join: ticket }
      const root = await makePortableRoot(
        parts,
        {
          'etc/hostname': 'gate\n',
          'usr/lib/lab/told': `#!/bin/sh\necho "$@" >>${words}\n`,
          'var/lib/lab/node.json': JSON.stringify(settings),
          'usr/lib/systemd/system/thymesh.service': daemonUnit(['/opt/thymesh/bin/thymesh']),
          'usr/lib/systemd/system/multi-user.target.d/thymesh.conf': '[Unit]\nWants=thymesh.service\n',
        },
        directory,
      )
      const tap = await network.tap()
      const at = (part: string) => join(parts.directory, part)
      // As the lab's network unit calls it, also where udev would rename it.
      const parameters = ['console=ttyS0', 'init=/lib/systemd/systemd', 'net.ifnames=0', ...quickKernel]
      const from = { kernel: at('kernel'), initrd: at('initrd'), parameters }
      const program = await programDisk()
      const machine = new BootMachine({ directory, from, root, program, network, tap, more: usbController })
      return new StickFleet({ operator, machine, directory, network, cable: tap.name })
    } catch (thrown) {
      await operator.remove()
      await network[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
      throw thrown
    }
  }

  async boot(): Promise<void> {
    this.machine.start()
    await this.machine.up()
    this.#port = new UsbPort(await this.machine.monitor())
  }

  /** The power goes, and a stick is in when it comes back; its ID is the answer. */
  async powerCycleWith(stick: string): Promise<string> {
    this.#port?.close()
    await this.machine.powerCut()
    this.machine.start()
    this.#port = new UsbPort(await this.machine.monitor())
    const id = await this.#port.plug(stick)
    await this.machine.up()
    return id
  }

  get port(): UsbPort {
    return this.#port ?? assert.fail('expected the machine to run')
  }

  /** The network brings a release, for as long as the cable is in. */
  async bring(version: string): Promise<void> {
    await this.#commit(version, {})
    const limitMs = 2 * bootPatienceMs
    const flags = ['-m', version, '--timeout', String(limitMs / 1000 - 60), '--json']
    const { stdout, stderr } = await this.operator.runWith({ limitMs }, 'deploy', ...flags)
    const row = (JSON.parse(stdout) as Partial<RolloutJson>).devices?.find(({ device }) => device === 'gate')
    assert.equal(row?.state, 'running', `${stdout}${stderr}${await this.machine.log()}`)
  }

  async pullCable(): Promise<void> {
    await this.#network.exec(['ip', 'link', 'set', this.#cable, 'down'])
  }

  /** A bundle of a new release, in a file of this computer. Some megabytes of noise make it larger. */
  async bundle(version: string, noiseMegabytes = 0): Promise<string> {
    await this.#commit(version, noiseMegabytes > 0 ? { blob: { megabytes: noiseMegabytes, noise: true } } : {})
    await this.operator.runWith({ limitMs: orderMs }, 'deploy', '-m', version, ...signs)
    const file = join(this.directory, `${version}.thymesh`)
    const written = await this.operator.runWith({ limitMs: orderMs }, 'bundle', 'write', file, '--wait', '0', '--json')
    assert.equal(written.code, 0, written.stdout + written.stderr)
    return file
  }

  async #commit(version: string, more: Record<string, object>): Promise<void> {
    await this.operator.commit(version, {
      'devices/first.json': undefined,
      'modules/blob.nix': blobModule,
      'configs/hello.json': hello(version, { ...modules, ...more }),
    })
  }

  /** Plugs a stick in; the hook is told anew. */
  async plug(stick: string, bytesPerSecond?: number): Promise<string> {
    await this.machine.must(`rm -f ${words}`)
    return await this.port.plug(stick, bytesPerSecond)
  }

  /** What the hook was told since the last stick came in. */
  async told(): Promise<string[]> {
    return (await this.machine.exec(`cat ${words} 2>/dev/null`)).stdout.trim().split('\n')
  }

  /** Units of sticks that run. */
  async atWork(): Promise<string> {
    return await this.machine.must("systemctl list-units --no-legend --plain --state=active 'thymesh-stick@*'")
  }

  /** What these units said in this boot. */
  async said(): Promise<string> {
    return await this.machine.must("journalctl -b -o cat --no-pager -u 'thymesh-stick@*'")
  }

  /** Waits until a stick that is in may be removed, and the machine runs what it brought. */
  async takes(version: string): Promise<void> {
    await this.mayBeRemoved(version)
    await this.machine.until(`to commit ${version}`, async () => {
      const { stdout } = await this.machine.exec('cat /etc/hello /var/lib/thymesh/activation/journal')
      return stdout.startsWith(`${version}\n`) && stdout.includes('\nstate=committed\n')
    })
  }

  /** Waits until the hook is told that nobody needs the stick any more. */
  async mayBeRemoved(version: string): Promise<void> {
    await this.machine.until(`to be told that the stick of ${version} is done`, async () => {
      const told = await this.told()
      return told.at(-1) === 'done'
    })
    assert.equal((await this.told())[0], 'seen')
    assert.match(await this.said(), /It is needed no longer, and may be removed/)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#port?.close()
    await this.machine[Symbol.asyncDispose]()
    await this.operator.remove()
    await this.#network[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true, force: true })
  }
}
