/** Screens over real connections with a real Xvnc: who sees them, who may type, and the end of a view with its grant. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chown, readdir, readFile, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { readSnapshots } from '../../controller/ssh/snapshots.ts'
import { exactly, receiveMessage, sendMessage } from '../../node/access/duplex-messages.ts'
import { proofText } from '../../node/access/key-proof.ts'
import { accepted, openForward, openScreen, openSnapshots } from '../../node/access/open-access.ts'
import { png } from '../../node/access/png.ts'
import { readPicture } from '../../node/access/rfb-picture.ts'
import { accessVerdictCodec, forwardHelloCodec, forwardNamespace, proofCodec } from '../../protocol/messages/access.ts'
import { screenHelloCodec } from '../../protocol/messages/screen.ts'
import type { AccessGrant } from '../../protocol/release/access.ts'
import { makeSshKey, publishAccess, serveAccess, signedBy } from '../helpers/access.ts'
import { withCode } from '../helpers/errors.ts'
import { testSigner } from '../helpers/fleet.ts'
import { connect, documentsOf, liveFleet, Mesh } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'
import { noXvnc, startXvnc } from '../helpers/xvnc.ts'

const skip = noXvnc
const notRoot = process.getuid?.() !== 0 && 'only root gives files to other users'
const limit = () => AbortSignal.timeout(60_000)

async function scene(t: TestContext, may: AccessGrant['may'], role: 'controller' | 'device' = 'controller') {
  const mesh = await Mesh.of(t)
  const key = join(mesh.directory, 'key')
  const line = makeSshKey(key)
  const fleet = liveFleet()
  const about = { id: 'ada-1', operator: 'ada', keys: [line], devices: ['device'], users: ['root'] }
  publishAccess(fleet, ['device'], [{ ...about, may }])
  const device = await mesh.start({ word: 'device', fleet })
  const certificate = fleet.certify(testSigner('asker'), { name: 'asker', role })
  const asker = await mesh.start({ word: 'asker', fleet, certificate })
  const { screens, watched, look, pictured } = await serveAccess(mesh, device)
  await connect(asker, device)
  const ticket = async () => {
    const stream = await openForward(asker, device.host.peerId)
    stream.on('error', () => {})
    sendMessage(stream, forwardHelloCodec, { v: 1, ask: { user: 'root', key: line } })
    const { challenge = new Uint8Array() } = accepted(await receiveMessage(stream, accessVerdictCodec, limit()), 'root')
    const [controller, own] = [asker.identity.peerId, device.identity.peerId]
    const text = proofText({ fleet: fleet.fleet, device: own, controller, user: 'root', challenge })
    sendMessage(stream, proofCodec, { signature: signedBy(key, text, forwardNamespace) })
    return accepted(await receiveMessage(stream, accessVerdictCodec, limit()), 'root').ticket ?? new Uint8Array()
  }
  const watch = async (held: Uint8Array, more: { control?: boolean; screen?: string } = {}) => {
    const stream = await openScreen(asker, device.host.peerId)
    stream.on('error', () => {})
    sendMessage(stream, screenHelloCodec, { v: 1, ticket: held, ...more })
    accepted(await receiveMessage(stream, accessVerdictCodec, limit()), 'root')
    return stream
  }
  const change = async (grants: readonly AccessGrant[]) => {
    const published = publishAccess(fleet, ['device'], grants)
    await device.state.accept(published.trusted, documentsOf(fleet))
  }
  const snapshots = async (held: Uint8Array, wish: { most: number; pictures: boolean }) => {
    const stream = await openSnapshots(asker, device.host.peerId)
    stream.on('error', () => {})
    return await readSnapshots(stream, { ticket: held, user: 'root', ...wish }, limit())
  }
  return { mesh, screens, watched, ticket, watch, change, snapshots, look, pictured }
}

/** A screen of 64 × 48 pixels; gives what asks X about it. */
async function xvnc(mesh: Mesh, screens: string) {
  const { ask } = await startXvnc(mesh, join(screens, 'kiosk.sock'))
  return (...args: string[]) => ask('xdotool', ...args)
}

const greeting = Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.from([1, 0])])
/** The pointer goes to 33, 22. */
const point = Buffer.from([5, 0, 0, 33, 0, 22])
/** Asks for one pixel. */
const pixel = Buffer.from([3, 0, 0, 0, 0, 0, 0, 1, 0, 1])

describe('a screen over the mesh', { skip, timeout: 900_000 }, () => {
  it('is seen as it is, and saved as PNG', async t => {
    const { mesh, screens, ticket, watch } = await scene(t, ['screen'])
    await xvnc(mesh, screens)
    const picture = await readPicture(await watch(await ticket()), limit())
    assert.deepEqual([picture.width, picture.height, picture.rgb.length], [64, 48, 64 * 48 * 3])
    const file = png(picture)
    assert.equal(file.subarray(1, 4).toString(), 'PNG')
    assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], [64, 48])
  })

  it('takes no pointer of who may only look, and takes it of who may control', async t => {
    const looks = await scene(t, ['screen'])
    const controls = await scene(t, ['screen:control'])
    for (const { made, tries } of [
      { made: looks, tries: [false] },
      { made: controls, tries: [false, true] },
    ]) {
      const ask = await xvnc(made.mesh, made.screens)
      await ask('mousemove', '1', '1')
      for (const control of tries) {
        const stream = await made.watch(await made.ticket(), { control })
        stream.write(Buffer.concat([greeting, point, pixel]))
        // The greeting, the size with its name, then the answer to what was asked behind the pointer.
        await exactly(stream, 12 + 2 + 4 + 20, limit())
        await exactly(stream, (await exactly(stream, 4, limit())).readUInt32BE(0), limit())
        await exactly(stream, 4, limit())
        const moved = async () => (await ask('getmouselocation')).startsWith('x:33 y:22')
        if (control) await until(moved, 'the pointer to move')
        else assert.equal(await moved(), false)
        stream.destroy()
      }
    }
    await assert.rejects(looks.watch(await looks.ticket(), { control: true }), withCode('not-granted'))
  })

  it('needs a grant for screens, a ticket and a controller, and says where there is none', async t => {
    const other = await scene(t, ['shell', 'forward:tcp:127.0.0.1:*'])
    await assert.rejects(other.watch(await other.ticket()), withCode('not-granted'))
    await assert.rejects(other.watch(Buffer.alloc(32)), withCode('not-granted'))
    const asDevice = await scene(t, ['screen'], 'device')
    await assert.rejects(asDevice.watch(Buffer.alloc(32)), withCode('not-served'))
    const none = await scene(t, ['screen'])
    await assert.rejects(none.watch(await none.ticket()), withCode('unreachable'))
    await assert.rejects(none.watch(await none.ticket(), { screen: 'another' }), withCode('unreachable'))
  })

  it('says on the device who watches, from before the view to its end', async t => {
    const { mesh, screens, watched, ticket, watch } = await scene(t, ['screen:control'])
    await xvnc(mesh, screens)
    const held = await ticket()
    const looks = await watch(held)
    const file = () => readFile(join(watched, 'kiosk'), 'utf8')
    assert.equal(await file(), 'asker screen\n')
    const controls = await watch(held, { control: true })
    assert.equal(await file(), 'asker screen\nasker screen:control\n')
    looks.destroy()
    await until(async () => (await file()) === 'asker screen:control\n', 'the first view to be over')
    controls.destroy()
    await until(async () => (await readdir(watched)).length === 0, 'the second one too')
    await assert.rejects(watch(held, { screen: 'another' }), withCode('unreachable'))
    assert.deepEqual(await readdir(watched), [])
  })

  it('is no link, wherever it leads: everybody on the device may put one there', async t => {
    const { mesh, screens, ticket, watch } = await scene(t, ['screen'])
    const elsewhere = join(mesh.directory, 'elsewhere.sock')
    const server = createServer(socket => socket.end())
    await new Promise<void>(resolve => server.listen(elsewhere, resolve))
    mesh.after(async () => void server.close())
    await symlink(elsewhere, join(screens, 'kiosk.sock'))
    await assert.rejects(watch(await ticket()), withCode('unreachable'))
    await assert.rejects(watch(await ticket(), { screen: 'kiosk' }), withCode('unreachable'))
  })

  it('is none that another user has put before, where nobody has named one', { skip: notRoot }, async t => {
    const { mesh, screens, ticket, watch } = await scene(t, ['screen'])
    const put = async (name: string, uid: number) => {
      const server = createServer(socket => socket.end(name))
      const socket = join(screens, `${name}.sock`)
      await new Promise<void>(resolve => server.listen(socket, resolve))
      mesh.after(async () => void server.close())
      await chown(socket, uid, uid)
    }
    const shown = async () => {
      const stream = await watch(await ticket())
      const [name] = (await once(stream, 'data')) as [Buffer]
      stream.destroy()
      return String(name)
    }
    await put('kiosk', 1000)
    await put('other', 1000)
    assert.equal(await shown(), 'kiosk')
    await put('aaa', 1001)
    await assert.rejects(watch(await ticket()), withCode('unreachable'))
    await put('lobby', 0)
    assert.equal(await shown(), 'lobby')
  })

  it('is kept as small pictures where the configuration says so, for whom a grant lets look', async t => {
    const { mesh, screens, ticket, look, snapshots, change, pictured } = await scene(t, ['screen'])
    const { paint } = await startXvnc(mesh, join(screens, 'kiosk.sock'), '1280x720')
    const held = await ticket()
    assert.deepEqual(await snapshots(held, { most: 1, pictures: true }), [])
    paint('#20c040', 720)
    const plan = { kiosk: { everyMinutes: 10 }, away: { everyMinutes: 10 } }
    await look(plan)
    // Neither is one due so soon, nor is any taken by a plan that nobody should have made.
    await look(plan)
    await look({ kiosk: { everyMinutes: 1 } })
    const [taken, ...others] = await snapshots(held, { most: 24, pictures: true })
    assert.deepEqual([taken?.screen, others], ['kiosk', []])
    const file = Buffer.from(taken?.png ?? [])
    assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20), file.length], [480, 270, taken?.bytes])
    assert.match(taken?.taken ?? '', /^20\d\d-/)
    const sha256 = Buffer.from(taken?.sha256 ?? []).toString('hex')
    assert.deepEqual(pictured, [{ screen: 'kiosk', bytes: file.length, sha256 }])
    const [listed] = await snapshots(held, { most: 24, pictures: false })
    assert.deepEqual([listed?.png, listed?.bytes], [undefined, file.length])
    await change([])
    await assert.rejects(snapshots(held, { most: 1, pictures: true }), withCode('not-granted'))
    const asDevice = await scene(t, ['screen'], 'device')
    await assert.rejects(asDevice.snapshots(held, { most: 1, pictures: true }), withCode('not-served'))
  })

  it('ends with its grant', async t => {
    const { mesh, screens, ticket, watch, change } = await scene(t, ['screen'])
    await xvnc(mesh, screens)
    const stream = await watch(await ticket())
    await exactly(stream, 12, limit())
    const closed = new Promise(resolve => stream.once('close', resolve))
    stream.resume()
    await change([])
    await closed
  })
})
