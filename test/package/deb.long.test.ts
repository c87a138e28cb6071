/** The .deb: built twice it is the same, lintian finds nothing, and a machine keeps its membership through an upgrade. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { withCommon } from '../../scripts/src/package/tree.ts'
import { hello } from '../e2e/helpers/project.ts'
import { until } from '../helpers/until.ts'
import { LabFleet } from '../lab/fleet.ts'
import { LabHost } from '../lab/host.ts'
import { labSkip } from '../lab/needs.ts'
import { packages, quickDeb } from './packages.ts'

const repository = join(import.meta.dirname, '../..')
/** Makes the package anew of what is installed, as `thymesh adopt` does for other machines. */
const repack = `
  import { copyFileSync } from 'node:fs'
  import { repackInstalled } from ${JSON.stringify(join(repository, 'controller/adopt/repack.ts'))}
  copyFileSync(await repackInstalled(process.argv[1]), '/root/again.deb')`

/** A machine that fetches and activates on a loaded computer. */
const patienceMs = 240_000

describe('the .deb', { skip: labSkip() }, () => {
  it('is the same for the same sources', async t => {
    const { directory, current } = await packages()
    const again = await mkdtemp(join(tmpdir(), 'thymesh-packages-'))
    t.after(() => rm(again, { recursive: true }))
    const second = await withCommon(common => quickDeb(common, again))
    assert.equal(await sha256(second), await sha256(join(directory, current)))
  })

  it('satisfies lintian', async () => {
    const { directory, current } = await packages()
    const args = ['--allow-root', '--fail-on', 'none', join(directory, current)]
    const found = execFileSync('lintian', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    assert.equal(found.replace(/^N:.*\n/gm, ''), '')
  })

  it('leaves the daemon of a release alone, and its state', async t => {
    const { directory, current } = await packages()
    const host = await LabHost.start(t, { binds: [{ from: directory, to: '/mnt/packages' }] })
    const unit = 'thymesh.service'
    const [top, ours] = ['/nix/store/hcczzzkjdgi4gyvd8pw40541d63nhggs-thymesh-hello', `/run/systemd/system/${unit}`]
    // What a switch leaves, with a daemon that needs no fleet.
    await host.must(['mkdir', '-p', `${top}/units`, '/run/systemd/system', '/var/lib/thymesh'])
    const text = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n'
    await host.must(['sh', '-c', `cat >${top}/units/${unit}`], { input: text })
    await host.must(['ln', '-s', top, '/run/current-system'])
    await host.must(['ln', '-s', `/run/current-system/units/${unit}`, ours])
    await host.must(['touch', '/var/lib/thymesh/identity.key'])
    await host.must(['systemctl', 'daemon-reload'])
    await host.must(['systemctl', 'start', unit])
    const pid = await host.unit(unit, 'MainPID')
    for (const action of [
      ['-i', `/mnt/packages/${current}`],
      ['-r', 'thymesh'],
      ['-P', 'thymesh'],
    ]) {
      await host.must(['dpkg', ...action])
      assert.equal(await host.unit(unit, 'MainPID'), pid, action.join(' '))
      await host.must(['test', '-e', '/var/lib/thymesh/identity.key'])
    }
    await host.must(['dpkg', '-i', `/mnt/packages/${current}`])
    assert.equal((await host.exec(['test', '-e', `/etc/systemd/system/${unit}`])).code, 1)
    await host.must(['systemctl', 'stop', unit])
    await host.must(['rm', ours])
    await host.must(['systemctl', 'daemon-reload'])
    assert.match(await host.unit(unit, 'FragmentPath'), /^(?:\/usr)?\/lib\/systemd\/system\/thymesh\.service$/)
    assert.equal(await host.unit(unit, 'UnitFileState'), 'enabled')
    await host.must(['dpkg', '-P', 'thymesh'])
    assert.equal((await host.exec(['test', '-e', '/var/lib/thymesh'])).code, 1)
  })

  it('keeps the device through an upgrade and a removal, and a purge leaves nothing', async t => {
    const { directory, before, current } = await packages()
    const fleet = await LabFleet.create('kiosk')
    t.after(() => fleet[Symbol.asyncDispose]())
    const { operator, network } = fleet
    const host = await LabHost.start(t, {
      name: 'kiosk',
      network,
      binds: [
        { from: directory, to: '/mnt/packages' },
        { from: repository, to: repository },
      ],
    })
    const install = (name: string) => host.must(['dpkg', '-i', `/mnt/packages/${name}`])
    const active = () => host.exec(['systemctl', 'is-active', 'thymesh.service']).then(({ stdout }) => stdout.trim())
    const runs = (word: string) => {
      const isSo = async () => (await host.exec(['cat', '/etc/hello'])).stdout.trim() === word
      return until(isSo, `the machine to say ${word}`, patienceMs)
    }
    const identity = async () => (await host.must(['sha256sum', '/var/lib/thymesh/identity.key'])).split(' ')[0]

    await install(before)
    assert.equal(await active(), 'inactive', 'a machine without a fleet has nothing to run')
    const token = await operator.token('--names', 'kiosk')
    const joined = await host.must(['thymesh', 'join', '--name', 'kiosk', '--json'], { input: token })
    const { peer, started } = JSON.parse(joined) as { peer: string; started: boolean }
    assert.equal(started, true)
    const places = ['/etc', '/var', '/run', '/root', '/tmp']
    assert.equal((await host.exec(['grep', '-rsl', token.slice(-40), ...places])).stdout, '', 'no file has the token')
    await operator.commit('one', { 'configs/hello.json': hello('one') })
    await operator.json('deploy', '-m', 'one', '--no-wait')
    await runs('one')

    const key = await identity()
    await install(current)
    assert.equal(await active(), 'active')
    assert.equal(await host.must(['thymesh', '--version']), '0.1.0')
    assert.equal(await identity(), key)
    await host.must(['test', '-f', '/usr/lib/thymesh/dist/page/index.html'])
    await operator.commit('two', { 'configs/hello.json': hello('two') })
    await operator.json('deploy', '-m', 'two', '--no-wait')
    await runs('two')
    const { members } = await operator.json<{ members: { name: string; peer: string }[] }>('members')
    assert.deepEqual(
      members.filter(({ name }) => name === 'kiosk').map(each => each.peer),
      [peer],
    )

    await host.must(['dpkg', '--remove', 'thymesh'])
    assert.notEqual(await active(), 'active')
    assert.equal(await identity(), key)
    assert.equal((await host.exec(['thymesh', '--version'])).code, 127)
    await install(current)
    assert.equal(await active(), 'active')

    const node = ['/usr/lib/thymesh/node/bin/node', '--input-type=module', '-e', repack]
    await host.must([...node, await host.must(['dpkg', '--print-architecture'])], { timeout: patienceMs })
    await host.must(['dpkg', '-i', '/root/again.deb'])
    assert.equal(await host.must(['dpkg', '--verify', 'thymesh']), '')
    assert.equal(await active(), 'active')

    await host.must(['dpkg', '--purge', 'thymesh'])
    const left = ['/var/lib/thymesh', '/etc/thymesh', '/usr/lib/thymesh', '/usr/bin/thymesh']
    for (const path of left) assert.equal((await host.exec(['test', '-e', path])).code, 1, path)
    const wants = await host.exec(['sh', '-c', 'ls -R /etc/systemd /usr/lib/systemd/system | grep -x thymesh.service'])
    assert.equal(wants.stdout, '')
  })
})

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
