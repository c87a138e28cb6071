/** What a config leaves on a portable device that declares it no longer: accounts are closed, files go; on a real systemd. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LabHost } from './lab/host.ts'
import { labSkip } from './lab/needs.ts'
import { nixSkip, thisSystem, Workshop } from './nix/workshop.ts'

const ada = { name: 'ada', password: { secret: 'ada' } }
const bo = { name: 'bo' }
const access = (...users: object[]) => ({ access: { users, ssh: false } })
const device = { device: { hostName: 'lamp' } }
const note = { artifact: 'note', path: '/srv/notes/note' }

const configs = {
  both: { ...device, ...access(ada, bo), files: { artifacts: [note] } },
  one: { ...device, ...access(bo) },
  none: device,
}

describe('what a config leaves behind', { skip: labSkip() || nixSkip() }, () => {
  const workshop = new Workshop()
  after(() => workshop.remove())
  const tops: Record<string, string> = {}
  let host: LabHost

  before(async () => {
    const project = workshop.project({
      'artifacts/note': 'a note',
      ...Object.fromEntries(
        Object.entries(configs).map(([name, modules]) => [`configs/${name}.json`, { system: thisSystem, modules }]),
      ),
    })
    for (const name of Object.keys(configs)) tops[name] = await workshop.build(project, name)
    host = await LabHost.create({ name: 'shop', binds: [{ from: workshop.at('/nix'), to: '/nix', writable: true }] })
    await host.boot()
    await layPassword()
  })
  after(() => host?.[Symbol.asyncDispose]())

  /** As the daemon places it: the unit says where. */
  const layPassword = () =>
    host.must([
      'sh',
      '-c',
      `mkdir -p /run/thymesh/secrets
      path=$(grep -o '/run/thymesh/secrets/ada[.0-9a-f]*' ${tops.both}/units/thymesh-passwords.service | head -n 1)
      echo '$y$j9T$abc$def' >"$path"`,
    ])

  async function switchTo(name: string): Promise<void> {
    const { code, stdout, stderr } = await host.exec([`${tops[name]}/bin/switch-to-configuration`, 'switch'])
    assert.equal(code, 0, `${name}: ${stdout}${stderr}`)
  }

  /** The password field and the day of expiry of an account. */
  async function shadow(name: string): Promise<[password: string, expires: string]> {
    const fields = (await host.must(['getent', 'shadow', name])).split(':')
    return [fields[1] ?? '', fields[7] ?? '']
  }

  const notes = () => host.must(['sh', '-c', 'ls /srv/notes'])

  it('closes an account that is no longer declared, and opens it again', async () => {
    await switchTo('both')
    assert.deepEqual(await shadow('ada'), ['$y$j9T$abc$def', ''])
    assert.equal(await notes(), 'note')
    await switchTo('one')
    assert.deepEqual(await shadow('ada'), ['!$y$j9T$abc$def', '1'])
    assert.equal((await shadow('bo'))[1], '')
    assert.equal(await notes(), '')
    await switchTo('both')
    assert.deepEqual(await shadow('ada'), ['$y$j9T$abc$def', ''])
  })

  it('closes all of them and removes all files when the modules are gone, also after a reboot', async () => {
    await switchTo('both')
    const { code } = await host.exec([`${tops.none}/bin/switch-to-configuration`, 'boot'])
    assert.equal(code, 0)
    await host.reboot()
    assert.equal(await host.must(['readlink', '/run/current-system']), tops.none)
    assert.deepEqual(await shadow('ada'), ['!$y$j9T$abc$def', '1'])
    assert.equal((await shadow('bo'))[1], '1')
    assert.equal(await notes(), '')
    await layPassword()
    await switchTo('both')
    assert.deepEqual(await shadow('ada'), ['$y$j9T$abc$def', ''])
    assert.equal((await shadow('bo'))[1], '')
  })

  it('leaves a container the name that it has, where that cannot be set', async () => {
    assert.equal(await host.unit('thymesh-host-name.service', 'ActiveState'), 'active')
  })
})
