/** A fleet whose device is a NixOS-like machine that boots by UEFI; the operator is on the same bridge. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JournalEntry, parseEntry } from '../../../node/activation/journal-entry.ts'
import { Fleet, type Row } from '../../e2e/helpers/fleet.ts'
import { LabNetwork } from '../network.ts'
import { ownPrefix, removeRemains } from '../remains.ts'
import { makeDisks, programDisk } from './image.ts'
import { BootMachine, bootPatienceMs } from './machine.ts'
import { bootParts } from './parts.ts'
import { becomesNixos, type Generation, generationFiles } from './project.ts'

export class BootFleet {
  readonly network: LabNetwork
  readonly operator: Fleet
  readonly machine: BootMachine
  readonly #directory: string

  private constructor(network: LabNetwork, operator: Fleet, machine: BootMachine, directory: string) {
    this.network = network
    this.operator = operator
    this.machine = machine
    this.#directory = directory
  }

  /** A founded fleet, and its device `gate`, whose disk has the first generation; it is off. */
  static async create(first: Generation): Promise<BootFleet> {
    const parts = await bootParts()
    process.stderr.write(`  Linux ${parts.kernel}, systemd-boot ${parts.loader}\n`)
    const network = await LabNetwork.create()
    const operator = await Fleet.prepare({ host: network.address, through: argv => network.argv(argv) })
    await removeRemains(tmpdir())
    const directory = mkdtempSync(join(tmpdir(), `${ownPrefix}boot-`))
    try {
      mkdirSync(operator.project, { recursive: true })
      await operator.found()
      await becomesNixos(operator, parts, first)
      const built = await operator.json<{ configs: { config: string; topLevel: string }[] }>('build')
      const topLevel = built.configs.find(({ config }) => config === 'gate')?.topLevel
      assert.ok(topLevel, JSON.stringify(built))
      const joinFile = join(directory, 'join')
      writeFileSync(joinFile, `token=${await operator.token()}\nname=gate\n`)
      const { esp, root } = await makeDisks(parts, { store: operator.store, topLevel }, directory, joinFile)
      const tap = await network.tap()
      const machine = new BootMachine({ directory, from: { esp }, root, program: await programDisk(), network, tap })
      return new BootFleet(network, operator, machine, directory)
    } catch (thrown) {
      await operator.remove()
      await network[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
      throw thrown
    }
  }

  /** The same, and it has booted for the first time. Its first generation says `one`. */
  static async booted(): Promise<BootFleet> {
    const fleet = await BootFleet.create({ hello: 'one' })
    try {
      await fleet.boot()
      return fleet
    } catch (thrown) {
      await fleet[Symbol.asyncDispose]()
      throw thrown
    }
  }

  /** Switches the machine on and waits until it answers. */
  async boot(): Promise<void> {
    this.machine.start()
    await this.machine.up()
  }

  /** The daemon looks for the fleet; it joins as soon as the operator is there for some seconds, as `deploy` is. */
  async daemonRuns(): Promise<void> {
    await this.until('to start its daemon', async () => (await this.log()).includes('nix daemon'))
  }

  async commit(generation: Generation): Promise<void> {
    await this.operator.commit(generation.hello, generationFiles(this.operator, generation))
  }

  /** Deploys, and gives the device's row when it has ended; the operator stays in reach meanwhile. */
  async deploy(generation: Generation): Promise<Row> {
    await this.commit(generation)
    return await this.#watch('deploy', generation.hello)
  }

  /** Deploys the generation that the machine was installed with: the device joins, and has nothing to do. */
  async joins(): Promise<void> {
    runs(await this.#watch('deploy', 'As it was installed'))
  }

  /** Deploys what has to run in the end. */
  async update(generation: Generation): Promise<void> {
    runs(await this.deploy(generation))
  }

  /** Goes back to the release before. */
  async rollBack(): Promise<void> {
    runs(await this.#watch('rollback', 'Back'))
  }

  async #watch(command: 'deploy' | 'rollback', message: string): Promise<Row> {
    const limitMs = 2 * bootPatienceMs
    const flags = ['-m', message, '--timeout', String(limitMs / 1000 - 60), '--json']
    const { stdout, stderr } = await this.operator.runWith({ limitMs }, command, ...flags)
    const row = (JSON.parse(stdout) as { devices?: Row[] }).devices?.find(({ device }) => device === 'gate')
    assert.ok(row, `${stdout}${stderr}${await this.log()}`)
    return row
  }

  /** Begins an update; `end` takes the operator away. The device needs nobody's answer then. */
  async begin(generation: Generation): Promise<{ end(): Promise<void> }> {
    await this.commit({ ...generation, updates: { peers: 0, ...generation.updates } })
    let laptop: ChildProcess | undefined
    const onStart = (child: ChildProcess) => {
      laptop = child
    }
    const flags = ['-m', generation.hello, '--timeout', String(7 * 3600)]
    const deploying = this.operator.runWith({ onStart, limitMs: 8 * 3_600_000 }, 'deploy', ...flags).catch(() => {})
    return {
      end: async () => {
        laptop?.kill('SIGTERM')
        await deploying
      },
    }
  }

  /** The next daemons stop for ever at this state of an update, also after a boot; nothing ends that. */
  async pausing(state: string | undefined): Promise<void> {
    const dropIn = '/etc/systemd/system.control/thymesh.service.d'
    const set = `mkdir -p ${dropIn} && printf '[Service]\\nEnvironment=THYMESH_PAUSE_AT=${state}\\n' >${dropIn}/pause.conf`
    await this.machine.must(`${state === undefined ? `rm -rf ${dropIn}` : set} && sync && systemctl daemon-reload`)
    if (state !== undefined) await this.machine.must('systemctl restart thymesh.service')
  }

  /** The boot is called a good one: no entry of the loader has a counter any more. */
  async blessed(): Promise<void> {
    await this.until('to be blessed', async () => !(await this.machine.must('ls /boot/loader/entries')).includes('+'))
  }

  /** How often the machine has begun to boot with this on the kernel's command line, as its initrd says. */
  begun(parameter: string): number {
    const lines = this.machine.console().split('\n')
    return lines.filter(line => line.includes('lab: boots') && line.includes(parameter)).length
  }

  /** Waits until the journal says so. */
  async journalled(...states: string[]): Promise<JournalEntry> {
    return await this.until(`to be ${states.join(' or ')}`, async () => {
      const entry = await this.journal()
      return entry !== undefined && states.includes(entry.state) && entry
    })
  }

  /** The power goes, and comes back. */
  async powerCycle(): Promise<void> {
    await this.machine.powerCut()
    await this.boot()
  }

  /** The top level that the loader starts by default, as the daemon reads it there. */
  async boots(): Promise<string> {
    const conf = await this.machine.must('cat /boot/loader/loader.conf')
    const id = /^preferred (\S+)\.conf$/m.exec(conf)?.[1]
    const entry = await this.machine.must(`cat /boot/loader/entries/${id}*.conf`)
    return /init=(\S+)\/init/.exec(entry)?.[1] ?? ''
  }

  /** The generation runs and is the boot default. */
  async is(hello: string): Promise<void> {
    assert.equal(await this.hello(), hello)
    assert.equal(await this.boots(), await this.machine.must('readlink /run/current-system'))
  }

  async hello(): Promise<string> {
    return await this.machine.hello()
  }

  async journal(): Promise<JournalEntry | undefined> {
    const { code, stdout } = await this.machine.exec('cat /var/lib/thymesh/activation/journal')
    return code === 0 ? parseEntry(stdout) : undefined
  }

  /** Waits for something of the machine, also across its reboots. */
  async until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
    return await this.machine.until(what, ask)
  }

  /** The daemon's last lines of this boot. */
  async log(): Promise<string> {
    return await this.machine.log()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]()
    await this.operator.remove()
    await this.network[Symbol.asyncDispose]()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

function runs(row: Row): void {
  assert.equal(row.state, 'running', JSON.stringify(row))
}
