/** A device that builds for its operators: what this computer can't build, by an account that can do nothing else. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runToEnd, until } from '../../e2e/helpers/processes.ts'
import { blobModule, hello } from '../../e2e/helpers/project.ts'
import { thisSystem } from '../../nix/workshop.ts'
import { LabFleet } from '../fleet.ts'
import type { Scenario } from './scenario.ts'

/** One that this computer doesn't build. The device claims it: what is built is texts, by the shell of its own processor. */
const elsewhere = thisSystem === 'aarch64-linux' ? 'x86_64-linux' : 'aarch64-linux'

interface Checked {
  unbuildable: unknown[]
  builtOnDevices: { config: string; system: string; devices: string[] }[]
}
interface Built {
  configs: { topLevel: string }[]
}

export const builders: Scenario = {
  name: 'builders',
  title: 'a device builds what the operator’s computer can’t, for whom it is granted, and does nothing else for them',
  async run(trials) {
    await using fleet = await LabFleet.create('forge')
    const { operator } = fleet
    const forge = await fleet.device({ name: 'forge', diskMegabytes: 400 })
    const { disk } = forge
    assert.ok(disk)
    await operator.commit('The builder', {
      'configs/hello.json': hello('builder', { builder: { systems: [elsewhere], maxJobs: 2 } }),
    })
    await operator.json('deploy', '--timeout', '120')
    const pi = (message: string, modules: object = {}) => ({
      'configs/pi.json': { system: elsewhere, modules: { hello: { message }, ...modules } },
    })
    await operator.commit('A config of another system', { ...pi('one'), 'devices/pi.json': { config: 'pi' } })
    const place = { cwd: operator.directory, env: operator.env }
    const key = join(operator.directory, 'key')
    await runToEnd('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key], place)
    // As an operator has it: the key is in the agent.
    const socket = join(operator.directory, 'agent')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    operator.env.SSH_AUTH_SOCK = socket
    const account = ['--user', 'thymesh-builder', '--may', 'exec']
    try {
      await until('the agent to listen', () => existsSync(socket))
      assert.equal((await runToEnd('ssh-add', ['-q', key], place)).code, 0)

      await trials.of('check names the device that builds it', async () => {
        const { unbuildable, builtOnDevices } = await operator.json<Checked>('check')
        assert.deepEqual(unbuildable, [])
        assert.deepEqual(builtOnDevices, [{ config: 'pi', system: elsewhere, devices: ['forge'] }])
      })
      await trials.of('nobody is granted it: the build says so', async () => {
        const { message, hint } = (await operator.error('build', 'pi')) as { message: string; hint: string | null }
        assert.match(message, /forge doesn't build pi: nobody is granted to build on forge$/)
        assert.match(hint ?? '', /access grant NAME --device forge --user thymesh-builder --may exec/)
      })
      await trials.of('it is built there, and deployed from here', async () => {
        await operator.json('access', 'grant', 'ada', '--device', 'forge', '--key', `${key}.pub`, ...account)
        const built = await until('the device to have heard of the grant', async () => {
          const ran = await operator.run('build', 'pi', '--json')
          return ran.code === 0 && (JSON.parse(ran.stdout) as Built)
        })
        const topLevel = built.configs[0]?.topLevel ?? ''
        assert.equal(await readFile(join(operator.store, topLevel, 'system'), 'utf8'), elsewhere)
        assert.equal((await forge.host.exec(['test', '-d', topLevel])).code, 0)
        const { release } = await operator.json<{ release: number }>('deploy', '--timeout', '60', '--wait-for', 'forge')
        assert.ok(release > 0)
      })
      const ssh = (...args: string[]) => operator.run('ssh', '-o', 'BatchMode=yes', ...args)
      await trials.of('the account speaks Nix and does nothing else', async () => {
        for (const asked of ['id -un', 'touch /tmp/was-here']) {
          // Nix waits for its protocol, and ends with the input. ssh itself fails with 255.
          const { code, stdout } = await ssh('thymesh-builder@forge', asked)
          assert.deepEqual([code, stdout], [0, ''])
        }
        assert.notEqual((await forge.host.exec(['test', '-e', '/tmp/was-here'])).code, 0)
        const copied = await operator.run('cp', '-o', 'BatchMode=yes', key, 'thymesh-builder@forge:/tmp/key')
        assert.notEqual(copied.code, 0)
        assert.match((await ssh('root@forge', 'true')).stderr, /nobody is granted access as root/)
      })
      await trials.of('its Nix does not trust the account: an unsigned path is refused', async () => {
        const { config } = await operator.json<{ config: string }>('ssh-config')
        const file = join(operator.directory, 'ssh_config')
        await writeFile(file, `${config}\nHost *\n  BatchMode yes\n`)
        const env = { ...operator.env, NIX_SSHOPTS: `-F ${file}` }
        const nix = async (...args: string[]) => {
          const argv = ['nix', '--extra-experimental-features', 'nix-command', ...args]
          const [program = '', ...rest] = fleet.network.argv(argv)
          return await runToEnd(program, rest, { ...place, env })
        }
        const store = `local?root=${operator.store}`
        // Its path says nothing of its content: only a signature could.
        const expression = `derivation { name = "unsigned"; system = "${thisSystem}"; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; }`
        const built = await nix('build', '--store', store, '--impure', '--expr', expression, '--json', '--no-link')
        assert.equal(built.code, 0, built.stderr)
        const path = JSON.parse(built.stdout)[0].outputs.out as string
        const to = 'ssh-ng://thymesh-builder@forge.trial'
        const copied = await nix('copy', '--no-check-sigs', '--from', store, '--to', to, path)
        assert.notEqual(copied.code, 0)
        assert.match(copied.stderr, /lacks a (valid )?signature/)
      })
      await trials.of('its disk is full: the build says so, and ends', async () => {
        await operator.commit('Two', { 'modules/blob.nix': blobModule, ...pi('two', { blob: { megabytes: 40 } }) })
        disk.fill(0)
        const { message } = await operator.error('build', 'pi')
        disk.clear()
        assert.match(message, /forge doesn't build pi: its disk is full/)
      })
      await trials.of('with room again it builds', async () => {
        assert.equal((await operator.run('build', 'pi')).code, 0)
      })
      await trials.of('it is off: the build says when it was last seen', async () => {
        await operator.commit('Three', pi('three'))
        await forge.host.powerCut()
        const { message } = await operator.error('build', 'pi')
        assert.match(message, /forge doesn't build pi: forge isn't in reach/)
      })
    } finally {
      agent.kill()
    }
  },
}
