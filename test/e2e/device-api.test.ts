/** A device's own API with real daemons: what one says of itself and of its site, to programs and to `thymesh status`. */

import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type OwnStatus, ownStatusSchema, type SiteStatus, siteSchema } from '../../node/api/schemas.ts'
import { ask } from '../helpers/served-api.ts'
import { Fleet } from './helpers/fleet.ts'
import { Daemon, until } from './helpers/processes.ts'

describe("a device's own API", () => {
  it('says what the daemon knows, also after kill -9, and ends with it', async t => {
    const fleet = await Fleet.prepare()
    t.after(() => fleet.remove())
    await fleet.found('second')
    const [first, second] = [await fleet.device('first'), await fleet.device('second')]
    const token = await fleet.token('--site', 'north', '--bootstrap', first.address, '--bootstrap', second.address)
    const options = { cwd: fleet.project, env: fleet.env, logFile: join(fleet.directory, 'serve.log') }
    const controller = new Daemon([], { ...options, command: 'serve' })
    fleet.onRemove(() => controller.end())
    first.start(token)
    second.start(token)
    const file = join(first.state, 'api.sock')
    const explain = () => first.lastLines()
    const siteOf = async () => {
      const reply = await ask(file, '/v1/site').catch(() => undefined)
      const { devices } = reply === undefined ? { devices: [] } : siteSchema.strict().parse(reply.json)
      return devices.length === 2 && devices.every(each => each.connected && each.state === 'waiting') && devices
    }
    const devices = await until('both devices of the site', siteOf, { explain })
    assert.deepEqual(
      devices.map(({ device }) => device),
      ['first', 'second'],
    )
    // The controller has brought the first release, and leaves.
    await controller.end()
    const alone = async () => {
      const { json } = await ask(file, '/v1/status')
      const own = ownStatusSchema.strict().parse(json)
      return own.newest?.version === 1 && own.peers.join() === 'second' && own
    }
    const status = await until('the first release, and one peer', alone, { explain })
    assert.deepEqual([status.device, status.site, status.role], ['first', 'north', 'device'])
    assert.equal((await stat(file)).mode & 0o007, 0)
    await first.kill()
    first.start()
    await until('an answer after kill -9', siteOf, { explain })
    const outside = { cwd: fleet.directory }
    const shown = await fleet.runWith(outside, 'status', '--state', first.state)
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(shown.stdout, /^Device +first \(north\)\nState +waiting\n/)
    assert.match(shown.stdout, /Newest release +1 .*\n[\s\S]*In reach +second\n\nDevices of north:\n/)
    const printed = await fleet.runWith(outside, 'status', '--state', first.state, '--json')
    const { own, site } = JSON.parse(printed.stdout) as { own: OwnStatus; site: SiteStatus }
    assert.deepEqual([ownStatusSchema.strict().parse(own), siteSchema.strict().parse(site)], [own, site])

    await first.stop()
    await assert.rejects(stat(file), { code: 'ENOENT' })
    const refused = await fleet.runWith(outside, 'status', '--state', first.state, '--json')
    assert.equal(JSON.parse(refused.stdout).error.code, 'no-daemon')
    await second.stop()
  })
})
