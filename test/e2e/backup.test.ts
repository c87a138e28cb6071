/** A lost laptop with real processes: the operator's folder is restored from a backup, and the fleet goes on. */

import assert from 'node:assert/strict'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nixSkip } from '../nix/workshop.ts'
import type { Device } from './helpers/device.ts'
import { type ErrorJson, Fleet } from './helpers/fleet.ts'
import { runThymesh, until } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'

describe('backup and restore', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let device: Device
  let file: string

  before(async () => {
    fleet = await Fleet.prepare()
    fleet.env.THYMESH_PASSPHRASE = 'five random words are enough'
    file = join(fleet.directory, 'ada.backup')
    await fleet.found()
    device = await fleet.device('first')
    device.start(await fleet.token('--bootstrap', device.address))
    const project = JSON.parse(await fleet.git('show', 'HEAD:thymesh.json')) as object
    await fleet.commit('Version 1', {
      'configs/hello.json': hello('version 1'),
      'thymesh.json': { ...project, bootstrap: [device.address] },
    })
    await fleet.json('deploy', '-m', 'version 1', '--timeout', '240')
  })
  after(() => fleet.remove())

  /** The error of a command that fails, with other variables. */
  async function error(args: string[], env = {}): Promise<ErrorJson['error']> {
    const ended = await runThymesh([...args, '--json'], { cwd: fleet.project, env: { ...fleet.env, ...env } })
    assert.equal(ended.code, 1, ended.stdout + ended.stderr)
    return (JSON.parse(ended.stdout) as ErrorJson).error
  }

  it('writes all that a laptop has of the fleet, and nothing over another file', async () => {
    const { files } = await fleet.json<{ files: string[] }>('backup', file)
    for (const name of ['keys/root.key', 'keys/nix.key', 'controller.json', 'state/identity.key']) {
      assert.ok(files.includes(name), name)
    }
    assert.ok(files.some(name => name.startsWith('tokens/')))
    assert.ok(!files.some(name => name.includes('/db')))
    const content = await readFile(file)
    assert.equal((await error(['backup', file])).code, 'exists')
    assert.deepEqual(await readFile(file), content)
    assert.ok(!content.includes('BEGIN'), 'nothing of it can be read')
  })

  it('restores nothing from another passphrase, a file that is cut off, or over what is there', async () => {
    assert.equal((await error(['restore', file])).code, 'exists')
    await rename(fleet.home, `${fleet.home}.lost`)
    assert.equal(
      (await error(['restore', file], { THYMESH_PASSPHRASE: 'other words than these' })).code,
      'wrong-passphrase',
    )
    const cut = join(fleet.directory, 'cut.backup')
    await writeFile(cut, (await readFile(file)).subarray(0, -40))
    assert.equal((await error(['restore', cut])).code, 'malformed')
    await writeFile(cut, 'no backup')
    assert.equal((await error(['restore', cut])).code, 'malformed')
    assert.equal((await error(['status'])).code, 'no-keys')
  })

  it('signs nothing before a peer has brought the state, and goes on from there', async () => {
    await fleet.json('restore', file)
    await device.stop()
    await fleet.commit('Version 2', { 'configs/hello.json': hello('version 2') })
    assert.match((await error(['deploy', '-m', 'version 2'])).message, /no metadata of its fleet/)
    device.start()
    // A deploy waits only seconds for what it can't sign without.
    await until('the device to bring the state', async () => {
      return (await fleet.json<{ release: number | null }>('status', '--wait', '60')).release !== null
    })
    const { release } = await fleet.json<{ release: number }>('deploy', '-m', 'version 2', '--timeout', '240')
    assert.equal(release, 3)
    const { alarms } = await fleet.json<{ alarms: unknown[] }>('status')
    assert.deepEqual(alarms, [])
  })

  it('goes on with the keys alone, if that is all that was kept', async () => {
    const [folder = ''] = await readdir(fleet.home)
    const controller = join(fleet.home, folder, 'controller.json')
    await rename(controller, `${controller}.lost`)
    await fleet.json('status')
    await writeFile(controller, '{}')
    await fleet.json('status')
  })
})
