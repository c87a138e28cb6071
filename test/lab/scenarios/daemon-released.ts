/** The daemon of machines with a package comes with a release, in waves, and goes with one: docs/install.md. */

import assert from 'node:assert/strict'
import type { DeviceStatus } from '../../../controller/api/schemas/status.ts'
import { until } from '../../e2e/helpers/processes.ts'
import { hello } from '../../e2e/helpers/project.ts'
import { packageAndTarball } from '../../package/packages.ts'
import { LabFleet } from '../fleet.ts'
import { LabHost } from '../host.ts'
import type { Scenario } from './scenario.ts'

const newer = '0.2.0'
/** Of a deploy on a loaded computer: the program has more than a hundred megabytes. */
const deploySeconds = 900
const patienceMs = 240_000

/** A package whose daemon ends at once. */
const brokenPackage = `{ system, ... }: derivation {
  name = "broken";
  inherit system;
  builder = "/bin/sh";
  PATH = "/usr/bin:/bin";
  args = [ "-c" "mkdir -p $out/bin && printf '#!/bin/sh\\\\nexit 1\\\\n' >$out/bin/thymesh && chmod 755 $out/bin/thymesh" ];
}
`
const unit = 'thymesh.service'

/** A machine with the package, as its owner would look at it. */
class Machine {
  readonly name: string
  readonly host: LabHost
  constructor(name: string, host: LabHost) {
    this.name = name
    this.host = host
  }

  pid(): Promise<string> {
    return this.host.unit(unit, 'MainPID')
  }

  /** Where the running daemon's program lies; empty while there is none. */
  async program(): Promise<string> {
    return (await this.host.exec(['readlink', `/proc/${await this.pid()}/exe`])).stdout.trim()
  }

  async message(): Promise<string> {
    return (await this.host.exec(['cat', '/etc/hello'])).stdout.trim()
  }

  async identity(): Promise<string> {
    return (await this.host.must(['sha256sum', '/var/lib/thymesh/identity.key'])).split(' ')[0] ?? ''
  }

  async until(what: string, ask: () => Promise<boolean>): Promise<void> {
    const explain = async () => (await this.host.exec(['journalctl', '-b', '-n', '60', '-o', 'cat'])).stdout
    await until(`${this.name} ${what}`, ask, { limitMs: patienceMs, everyMs: 200, explain })
  }

  async started(): Promise<number> {
    // The clock is that of this computer, which all machines share.
    return Number(await this.host.unit(unit, 'ExecMainStartTimestampMonotonic'))
  }
}

export const daemonReleased: Scenario = {
  name: 'daemon-released',
  title: 'a release brings the daemon of machines with a package, in waves, and takes it back; a bad one falls back',
  async run(trials) {
    const { directory, deb, tarball } = await packageAndTarball(newer)
    await using fleet = await LabFleet.create('gate', 'shop')
    const { operator, network } = fleet
    const binds = [{ from: directory, to: '/mnt/packages' }]
    await using gateHost = await LabHost.create({ name: 'gate', network, binds })
    await using shopHost = await LabHost.create({ name: 'shop', network, binds })
    const [gate, shop] = [new Machine('gate', gateHost), new Machine('shop', shopHost)]
    const install = (machine: Machine) => machine.host.must(['dpkg', '-i', `/mnt/packages/${deb}`])
    for (const machine of [gate, shop]) {
      await machine.host.boot()
      await install(machine)
      const input = await operator.token('--names', machine.name)
      await machine.host.must(['thymesh', 'join', '--name', machine.name], { input })
    }
    /** Long for a daemon that starts: on a loaded computer that takes a minute and more. */
    const commit = (
      message: string,
      daemon: string | undefined,
      more: Record<string, string | object> = {},
      deadlineSeconds = 600,
    ) => {
      const updates = { settleSeconds: 3, deadlineSeconds, bootAttempts: 1 }
      const modules = { updates, thymesh: { ...(daemon && { package: daemon }) } }
      return operator.commit(message, { 'configs/hello.json': hello(message, modules), ...more })
    }
    const deploy = async (message: string, code = 0) => {
      const args = ['deploy', '-m', message, '--timeout', String(deploySeconds), '--json']
      const ended = await operator.runWith({ limitMs: (deploySeconds + 60) * 1000 }, ...args)
      assert.equal(ended.code, code, `${ended.stdout}${ended.stderr}`)
    }
    const daemons = async () => {
      const { devices } = await operator.json<{ devices: DeviceStatus[] }>('status', '--wait', '5')
      return Object.fromEntries(
        devices.map(({ device, daemon }) => [device, daemon && `${daemon.version} ${daemon.from}`]),
      )
    }
    const areSoon = async (wanted: Record<string, string>) => {
      let found = {}
      const same = async () => {
        found = await daemons()
        return JSON.stringify(found) === JSON.stringify(wanted)
      }
      await until(`daemons ${JSON.stringify(wanted)}`, same, {
        limitMs: patienceMs,
        explain: async () => JSON.stringify(found),
      })
    }

    await trials.of('the daemon of the package', async () => {
      await commit('one', undefined, {
        'tags/canary.json': {},
        'devices/gate.json': { config: 'hello', tags: ['canary'] },
        'rollout.json': { waves: [{ tag: 'canary' }], soakSeconds: 1 },
        'packages/broken.nix': brokenPackage,
      })
      await deploy('one')
      await areSoon({ gate: '0.1.0 package', shop: '0.1.0 package' })
    })
    const keys = [await gate.identity(), await shop.identity()]

    await trials.of('one of a release, for the canary and then the rest', async () => {
      await operator.json('input', 'add', 'program', `file://${tarball}?dir=lib/thymesh/nix`)
      await commit('two', 'program/thymesh')
      await deploy('two')
      await areSoon({ gate: `${newer} release`, shop: `${newer} release` })
      assert.ok((await gate.started()) < (await shop.started()), 'the canary first')
      for (const machine of [gate, shop]) {
        assert.match(await machine.program(), /^\/nix\/store\//)
        assert.match((await machine.host.exec(['thymesh', 'doctor', '--device'])).stdout, /it is of the release/)
      }
      const { stdout } = await operator.run('device', 'gate')
      assert.match(stdout, /daemon +0\.2\.0, of the release/)
    })

    await trials.of(
      'it is broken before its first boot: the generation before it, with the daemon of the package',
      async () => {
        const program = await gate.program()
        await gate.host.must([
          'sh',
          '-c',
          `chmod 000 ${program.replace(/\/lib\/thymesh\/node\/bin\/node$/, '/lib/thymesh/dist/thymesh')}`,
        ])
        await gate.host.reboot()
        assert.equal(await gate.message(), 'two')
        await gate.host.reboot()
        await gate.until(
          'to have its own daemon',
          async () => (await gate.program()) === '/usr/lib/thymesh/node/bin/node',
        )
        assert.equal(await gate.message(), 'one')
        await gate.host.must([
          'sh',
          '-c',
          `chmod 755 ${program.replace(/\/lib\/thymesh\/node\/bin\/node$/, '/lib/thymesh/dist/thymesh')}`,
        ])
        await areSoon({ gate: '0.1.0 package', shop: `${newer} release` })
      },
    )

    await trials.of(
      'a later release brings it again; a reboot starts it, and never the one of the package',
      async () => {
        await commit('three', 'program/thymesh')
        await deploy('three')
        for (const machine of [gate, shop]) {
          await machine.host.reboot()
          const log = () => machine.host.must(['journalctl', '-b', '-o', 'cat', '-u', unit])
          await machine.until('to start the daemon of the release', async () =>
            (await log()).includes('"from":"release"'),
          )
          assert.ok(!(await log()).includes('"from":"package"'), await log())
        }
        await areSoon({ gate: `${newer} release`, shop: `${newer} release` })
      },
    )

    await trials.of('the package below it is upgraded, removed and purged', async () => {
      const [pid, key] = [await shop.pid(), keys[1]]
      await install(shop)
      assert.equal(await shop.pid(), pid)
      for (const action of ['-r', '-P']) {
        await shop.host.must(['dpkg', action, 'thymesh'])
        assert.deepEqual([await shop.pid(), await shop.identity()], [pid, key])
      }
      await shop.host.reboot()
      await shop.until('to have the daemon of the release', async () => (await shop.program()).startsWith('/nix/'))
      const again = await shop.pid()
      await install(shop)
      assert.equal(await shop.pid(), again)
      const { code } = await shop.host.exec(['test', '-e', `/etc/systemd/system/${unit}`])
      assert.equal(code, 1, 'nothing of the package hides the unit of the release')
    })

    await trials.of('a boot without a generation has the daemon of the package, which brings it back', async () => {
      await gate.host.must(['mv', '/etc/thymesh/boot', '/root/boot'])
      await gate.host.reboot()
      await gate.until('to have the generation again', async () => (await gate.message()) === 'three')
      await gate.until('to have the daemon of the release', async () => (await gate.program()).startsWith('/nix/'))
      await gate.until('to boot it', async () => (await gate.host.exec(['test', '-h', '/etc/thymesh/boot'])).code === 0)
    })

    await trials.of(
      'a release with a daemon that does not start is rolled back, and reaches the canary only',
      async () => {
        const pid = await shop.pid()
        await commit('four', 'broken', {}, 60)
        await deploy('four', 1)
        await gate.until('to be back', async () => (await gate.message()) === 'three')
        await areSoon({ gate: `${newer} release`, shop: `${newer} release` })
        assert.deepEqual([await shop.message(), await shop.pid()], ['three', pid])
      },
    )

    await trials.of('without the option the one of the package runs again, also after a reboot', async () => {
      await commit('five', undefined)
      await deploy('five')
      await areSoon({ gate: '0.1.0 package', shop: '0.1.0 package' })
      await gate.host.reboot()
      await gate.until(
        'to have its own daemon',
        async () => (await gate.program()) === '/usr/lib/thymesh/node/bin/node',
      )
      await areSoon({ gate: '0.1.0 package', shop: '0.1.0 package' })
      assert.deepEqual([await gate.identity(), await shop.identity()], keys)
    })
  },
}
