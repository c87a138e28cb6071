/** Access over real connections with a real sshd: both locks, what each key may do, and the end of sessions with their grants. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { describe, it, type TestContext } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import { descriptorProgram } from '../../controller/session/descriptor-program.ts'
import type { ForwardLimits } from '../../node/access/forward-service.ts'
import { sessionsAtOnce } from '../../node/access/limits.ts'
import { openSsh } from '../../node/access/open-access.ts'
import { findSshd } from '../../node/access/sshd-program.ts'
import { streamsPerPeer } from '../../node/mesh/limits.ts'
import { Channel } from '../../node/mesh/transport/channel.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import type { AccessGrant } from '../../protocol/release/access.ts'
import { makeSshKey, publishAccess, serveAccess } from '../helpers/access.ts'
import { accessScene, noAccess } from '../helpers/access-scene.ts'
import { withCode } from '../helpers/errors.ts'
import { testSigner } from '../helpers/fleet.ts'
import { connect, liveFleet, Mesh } from '../helpers/mesh.ts'
import { until } from '../helpers/until.ts'

describe('access over the mesh', { skip: noAccess, timeout: 600_000 }, () => {
  it('lets in the granted key', async t => {
    const { ssh } = await accessScene(t)
    const ran = await ssh(['cat; exit 7'], { input: 'hello' })
    assert.deepEqual({ code: ran.code, stdout: ran.stdout }, { code: 7, stdout: 'hello' }, ran.stderr)
  })

  it('is read by ssh itself, where a program hands it the connection', async t => {
    if ((await descriptorProgram()) === undefined) return t.skip('there is no python3')
    const { ssh } = await accessScene(t)
    const ran = await ssh(['cat; exit 7'], { input: 'hello', proxy: 'descriptor' })
    assert.deepEqual({ code: ran.code, stdout: ran.stdout }, { code: 7, stdout: 'hello' }, ran.stderr)
  })

  it('lets nobody stay whose session begins while the daemon stops', async t => {
    const asked = Promise.withResolvers<void>()
    const goesOn = Promise.withResolvers<void>()
    const find = async () => {
      asked.resolve()
      await goesOn.promise
      return await findSshd()
    }
    const { open, endSessions, place } = await accessScene(t, { find })
    const opened = open()
    await asked.promise
    const stopped = endSessions()
    goesOn.resolve()
    // It may be told so before the verdict, or its stream ends.
    const over = opened.then(
      stream => finished(stream.resume(), { writable: false }).catch(() => {}),
      () => {},
    )
    await stopped
    await over
    assert.deepEqual(readdirSync(place), [])
  })

  it('needs the key beside a controller that is a member', async t => {
    const { ssh, key, mesh } = await accessScene(t)
    const other = join(mesh.directory, 'other')
    makeSshKey(other)
    writeFileSync(key, readFileSync(other))
    writeFileSync(`${key}.pub`, readFileSync(`${other}.pub`))
    const ran = await ssh(['true'])
    assert.equal(ran.code, 255)
    assert.match(ran.stderr, /Permission denied \(publickey\)/)
  })

  it('needs a controller beside the key: a device gets no shell on a device', async t => {
    const { open, ask } = await accessScene(t, { role: 'device', grant: { may: ['shell', 'forward:tcp:127.0.0.1:*'] } })
    await assert.rejects(open(), withCode('not-served'))
    await assert.rejects(ask(), withCode('not-served'))
  })

  it('refuses grants that are over, of other users and of other devices, and says what is missing', async t => {
    for (const grant of [
      { until: '2020-01-01T00:00:00Z' },
      { users: ['ada'] },
      { devices: ['another'] },
      { may: ['screen'] },
    ]) {
      const { open } = await accessScene(t, { grant })
      await assert.rejects(open(), withCode('not-granted'))
    }
    const { open } = await accessScene(t, { find: async () => undefined })
    await assert.rejects(open(), withCode('no-sshd'))
    const nobody = await accessScene(t, { grant: { users: ['nobody-of-this-name'] } })
    await assert.rejects(nobody.open('nobody-of-this-name'), withCode('no-user'))
  })

  it('does no more than the grant says', async t => {
    const filesOnly = await accessScene(t, { grant: { may: ['files'] } })
    // The key gets files whatever is asked for: sshd starts nothing else.
    const shell = await filesOnly.ssh(['echo', 'no shell'])
    assert.doesNotMatch(shell.stdout, /no shell/)
    const batch = await filesOnly.ssh(['-q', '-b', '-', 'root@device'], { program: 'sftp', input: 'pwd\n' })
    assert.match(batch.stdout, /Remote working directory/)

    const execOnly = await accessScene(t, { grant: { may: ['exec'] } })
    assert.equal((await execOnly.ssh(['echo yes'])).stdout, 'yes\n')
    const noShell = await execOnly.ssh([], { input: 'echo no\n' })
    assert.equal(noShell.code, 126)
    assert.match(noShell.stderr, /not granted: shell/)
    const noFiles = await execOnly.ssh(['-q', '-b', '-', 'root@device'], { program: 'sftp', input: 'pwd\n' })
    assert.notEqual(noFiles.code, 0)
  })

  it('ends a session and all that it has started when its grant ends', async t => {
    const { ssh, change, mesh } = await accessScene(t)
    const file = join(mesh.directory, 'pid')
    const running = ssh([`echo $$ >${file}; exec sleep 1000`])
    const pid = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0)
    await until(() => pid() > 0, 'the session to run')
    await change([])
    const { code } = await running
    assert.equal(code, 255)
    await until(() => !existsSync(`/proc/${pid()}`), 'its processes to be gone')
  })

  it('keeps a session whose grant only grows, and leaves nothing behind', async t => {
    const { ssh, change, given, place } = await accessScene(t)
    const file = join(place, '..', 'go')
    const running = ssh([`while ! test -e ${file}; do sleep 0.1; done; echo kept`])
    await until(() => existsSync(place) && readdirSync(place).length > 0, 'the session to begin')
    await change([{ ...given, may: [...given.may, 'screen'] }])
    writeFileSync(file, '')
    assert.equal((await running).stdout, 'kept\n')
    await until(() => readdirSync(place).length === 0, 'its files to be gone')
  })

  it('holds against hellos that are too long, names that are none, and a thousand streams that say nothing', async t => {
    const { asker, device, ssh } = await accessScene(t)
    const talk = async (bytes: Uint8Array) => {
      const stream = await openStream(asker.host, device.host.peerId, device.names.ssh)
      const channel = new Channel(stream)
      await channel.sendRest(bytes)
      return await channel.rest().catch((error: Error) => error.name)
    }
    const head = Buffer.alloc(4)
    head.writeUInt32BE(1 << 20)
    assert.equal(await talk(Buffer.concat([head, Buffer.alloc(1 << 16)])), 'StreamResetError')
    const hello = encode({ v: 1, user: '-oProxyCommand=reboot' })
    head.writeUInt32BE(hello.length)
    assert.equal(await talk(Buffer.concat([head, hello])), 'StreamResetError')
    const opened = await Promise.allSettled(
      Array.from({ length: 1000 }, () => openStream(asker.host, device.host.peerId, device.names.ssh)),
    )
    const held = opened.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
    const open = () => held.filter(({ status }) => status === 'open').length
    await until(() => open() <= streamsPerPeer, 'the device to refuse what is beyond its limit')
    for (const stream of held) stream.abort(new Error('the test ends it'))
    await until(async () => (await ssh(['true'])).code === 0, 'a session after them')
  })

  it('has as many places as its limits say, whoever came first', async t => {
    const mesh = await Mesh.of(t)
    const fleet = liveFleet()
    const sshd = join(mesh.directory, 'sshd')
    await writeFile(sshd, '#!/bin/sh\nexec sleep 300\n', { mode: 0o755 })
    const given: AccessGrant = {
      ...{ id: 'ada-1', operator: 'ada', keys: [makeSshKey(join(mesh.directory, 'key'))], devices: ['device'] },
      ...{ users: ['root'], may: ['shell'] },
    }
    publishAccess(fleet, ['device'], [given])
    const device = await mesh.start({ word: 'device', fleet })
    await serveAccess(mesh, device, { find: async () => ({ sshd, sftpServer: undefined }) })
    const ask = async (word: string) => {
      const certificate = fleet.certify(testSigner(word), { name: word, role: 'controller' })
      const asker = await mesh.start({ word, fleet, certificate })
      await connect(asker, device)
      return async () => (await openSsh(asker, device.host.peerId, 'root')).on('error', () => {})
    }
    for (const word of ['asker', 'other']) {
      const open = await ask(word)
      for (let sessions = 0; sessions < sessionsAtOnce / 2; sessions++) await open()
    }
    await assert.rejects((await ask('third'))(), withCode('busy'))
  })
})

describe('forwarded connections', { skip: noAccess, timeout: 600_000 }, () => {
  const forwarding = async (t: TestContext, grant?: Partial<AccessGrant>, limits?: ForwardLimits) => {
    const answers: string[] = []
    // Answers only once the other side has ended: half-close is kept on the way.
    const server = createServer({ allowHalfOpen: true }, socket => {
      void text(socket).then(said => {
        answers.push(said)
        socket.end(`got ${said}`)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const granted = { may: [`forward:tcp:127.0.0.1:${port}`], ...grant }
    const made = await accessScene(t, { grant: granted, ...(limits && { limits }) })
    made.mesh.after(async () => void server.close())
    return { ...made, port, to: `tcp:127.0.0.1:${port}` }
  }

  it('reach what the grant names, half-closed too, and nothing else', async t => {
    const { ask, connectTo, to } = await forwarding(t)
    const ticket = await ask()
    const stream = await connectTo(ticket, to)
    stream.end('hello')
    assert.equal(await text(stream), 'got hello')
    await assert.rejects(connectTo(ticket, 'tcp:169.254.169.254:80'), withCode('not-granted'))
    await assert.rejects(connectTo(ticket, 'unix:/run/dbus/system_bus_socket'), withCode('not-granted'))
    await assert.rejects(connectTo(Buffer.alloc(32), to), withCode('not-granted'))
  })

  it('need a signature by the granted key, for this device and this challenge', async t => {
    const { ask, key, mesh } = await forwarding(t)
    const other = join(mesh.directory, 'other')
    makeSshKey(other)
    await assert.rejects(ask({ signWith: other }), withCode('not-granted'))
    await assert.rejects(ask({ about: { challenge: Buffer.alloc(32) } }), withCode('not-granted'))
    await assert.rejects(ask({ about: { device: 'another' } }), withCode('not-granted'))
    await assert.rejects(ask({ namespace: 'file' }), withCode('not-granted'))
    assert.equal((await ask({ signWith: key })).length, 32)
  })

  it('are as many as the limit allows, also where all are opened at once', async t => {
    const { ask, connectTo, to } = await forwarding(t, {}, { all: 100, perPeer: 3 })
    const ticket = await ask()
    const opened = await Promise.allSettled(Array.from({ length: 12 }, () => connectTo(ticket, to)))
    const refused = opened.flatMap(each => (each.status === 'rejected' ? [each.reason.code] : []))
    assert.deepEqual(refused, Array(9).fill('busy'))
    for (const each of opened) if (each.status === 'fulfilled') each.value.destroy()
    // Their places are free again.
    await until(
      async () =>
        await connectTo(ticket, to).then(
          stream => stream.end(),
          () => false,
        ),
      'a place to be free',
    )
  })

  it('end with their grant, and say when nothing listens', async t => {
    const { ask, connectTo, to, change } = await forwarding(t, { may: ['forward:tcp:127.0.0.1:*'] })
    const ticket = await ask()
    await assert.rejects(connectTo(ticket, 'tcp:127.0.0.1:1'), withCode('unreachable'))
    const stream = await connectTo(ticket, to)
    const closed = new Promise(resolve => stream.once('close', resolve))
    stream.write('still there')
    await change([])
    await closed
    await assert.rejects(connectTo(ticket, to), withCode('not-granted'))
  })
})
