/** `thymesh adopt` with the real ssh, a real sshd and a real systemd machine. */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hello } from '../e2e/helpers/project.ts'
import { until } from '../helpers/until.ts'
import { labSkip } from '../lab/needs.ts'
import { adoptInPage } from './in-page.ts'
import { adoptScene, type Scene } from './scene.ts'

interface Adopted {
  name: string
  peer: string
  written: string[]
  resumed: boolean
  seconds: number
}

describe('thymesh adopt', { skip: labSkip() }, () => {
  let scene: Scene
  before(async () => {
    scene = await adoptScene()
  })
  after(() => scene?.[Symbol.asyncDispose]())

  it('shows a plan, and leaves nothing of one that is refused', async () => {
    const { operator } = scene.fleet
    const args = scene.args('free', '--name', 'kiosk', '--plan')
    const { plan } = await operator.json<{ plan: { steps: string[]; package: { version: string } } }>(...args)
    assert.equal(plan.package.version, '0.1.0')
    assert.equal(plan.steps.length, 5)
    // Without a terminal nobody can agree.
    assert.equal((await operator.error(...scene.args('free', '--name', 'kiosk'))).code, 'not-confirmed')
    assert.deepEqual(await scene.remains(), [])
  })

  it('says what is missing before it begins', async () => {
    const { operator } = scene.fleet
    const codeOf = async (user: string, ...more: string[]) =>
      (await operator.error(...scene.args(user, '--yes', ...more))).code
    assert.equal(await codeOf('asks', '--name', 'kiosk'), 'sudo-asks')
    assert.equal(await codeOf('nobody', '--name', 'kiosk'), 'ssh-refused')
    assert.equal(await codeOf('free', '--name', 'kiosk', '--config', 'nothing'), 'config-missing')
    assert.equal(await codeOf('free', '--name', 'Bad_Name'), 'name-missing')
    // Another key than the machine's, as after a set-up anew, or of somebody between.
    const file = join(operator.directory, 'known_hosts')
    const known = readFileSync(file, 'utf8')
    writeFileSync(file, `${known.split(' ')[0]} ${readFileSync(join(operator.directory, 'key.pub'), 'utf8')}`)
    const refused = await operator.error(...scene.args('free', '--name', 'kiosk', '--yes'))
    writeFileSync(file, '')
    const unknown = await operator.error(...scene.args('free', '--name', 'kiosk', '--yes'))
    writeFileSync(file, known)
    assert.deepEqual([refused.code, unknown.code], ['host-key', 'host-key'])
    assert.match(refused.message, /is another one than before/)
    assert.match(unknown.message, /is not known yet/)
    assert.deepEqual(await scene.remains(), [])
  })

  it('makes a machine a device, in spite of noise and a /tmp that runs nothing', async t => {
    const { fleet, host } = scene
    const { operator } = fleet
    const adopted = await operator.json<Adopted>(...scene.args('free', '--name', 'kiosk', '--yes'))
    t.diagnostic(`adopted in ${adopted.seconds} s`)
    assert.deepEqual([adopted.name, adopted.written, adopted.resumed], ['kiosk', ['devices/kiosk.json'], false])
    const { members } = await operator.json<{ members: { name: string; peer: string; state: string }[] }>('members')
    const member = members.find(({ name }) => name === 'kiosk')
    assert.deepEqual([member?.peer, member?.state], [adopted.peer, 'member'])
    assert.equal((await host.exec(['ls', '/var/lib/thymesh-adopt'])).code, 2)
    const found = await host.exec(['grep', '-rsl', 'thymesh-join-1', '/etc', '/var', '/run', '/root', '/home', '/tmp'])
    assert.equal(found.stdout, '', 'no file has the token')

    await operator.commit('one', { 'configs/hello.json': hello('one') })
    await operator.json('deploy', '-m', 'one', '--no-wait')
    await until(async () => (await host.exec(['cat', '/etc/hello'])).stdout.trim() === 'one', 'it to run', 120_000)
    const again = await operator.error(...scene.args('free', '--name', 'other', '--yes'))
    assert.equal(again.code, 'member-already')
  })

  it('does so in the page, where its operator is then let in, and restarts a unit', () => adoptInPage(scene))
})
