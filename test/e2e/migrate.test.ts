/** The examples of docs/migrate.md: what other tools had is used as it was, checked by the real Nix, and built where it needs no nixpkgs. */

import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import { become } from './helpers/examples.ts'
import { Fleet } from './helpers/fleet.ts'
import { runToEnd } from './helpers/processes.ts'

const repository = resolve(import.meta.dirname, '../..')
const stub = join(repository, 'test/nix/nixos-stub')

describe('examples of migrations', { skip: nixSkip() }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
  })
  after(() => fleet.remove())

  async function sound(example: string): Promise<void> {
    await become(fleet, `migrate/${example}`)
    const ended = await fleet.run('check')
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  }

  /** An option of a config's system, as Nix evaluates it. */
  async function option(config: string, name: string): Promise<unknown> {
    const made = `(import ${repository}/nix/lib).mkFleet { project = ${fleet.project}; inputs = { }; nixpkgs = import ${stub}; }`
    const expression = `(${made}).thymesh.configs.${config}.config.${name}`
    const flags = ['--extra-experimental-features', 'nix-command flakes', '--store', fleet.store]
    const args = ['eval', '--json', '--impure', ...flags, '--expr', expression]
    const ended = await runToEnd('nix', args, { cwd: fleet.project, env: fleet.env })
    assert.equal(ended.code, 0, ended.stderr)
    return JSON.parse(ended.stdout)
  }

  it('colmena: the nodes of a hive, with its defaults', async () => {
    await sound('colmena')
    assert.equal(await option('north', 'networking.hostName'), 'north')
    assert.equal(await option('north', 'services.openssh.enable'), true)
    assert.ok(((await option('north', 'networking.firewall.allowedTCPPorts')) as number[]).includes(80))
    assert.ok(((await option('south', 'networking.firewall.allowedTCPPorts')) as number[]).includes(8080))
  })

  it('deploy-rs: the module of a host, beside the flake’s own system', async () => {
    await sound('deploy-rs')
    assert.equal(await option('web', 'networking.hostName'), 'web')
    assert.ok(((await option('web', 'networking.firewall.allowedTCPPorts')) as number[]).includes(443))
  })

  it('comin: the module of a host, its words to comin aside', async () => {
    await sound('comin')
    assert.equal(await option('till', 'services.comin.enable'), true)
    assert.ok(((await option('till', 'environment.systemPackages')) as string[]).some(path => path.includes('htop')))
  })

  it('mender: a program, its unit and its checks, built', async () => {
    await sound('mender')
    const { configs } = await fleet.json<{ configs: { config: string; topLevel: string }[] }>('build')
    assert.deepEqual(
      configs.map(({ config }) => config),
      ['counter'],
    )
    const unit = join(fleet.store, configs[0]?.topLevel ?? '', 'units/counter.service')
    const ended = await runToEnd('cat', [unit], { cwd: fleet.project, env: fleet.env })
    assert.match(ended.stdout, /^ExecStart=\/bin\/sh \/nix\/store\/.*counter\.sh$/m, ended.stderr)
  })
})
