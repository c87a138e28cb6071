/** Recorded sessions over real connections with a real sshd and script(1): kept sealed, read by controllers, and nothing else let in. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { peerIdFromString } from '@libp2p/peer-id'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readCast } from '../../controller/format/asciicast.ts'
import { openRecording } from '../../node/access/recording-file.ts'
import { askForRecordings, readRecording } from '../../node/access/recordings-service.ts'
import { accessScene, noAccess } from '../helpers/access-scene.ts'
import { withCode } from '../helpers/errors.ts'
import { until } from '../helpers/until.ts'

const identity = await generateX25519Identity()
const age = await identityToRecipient(identity)

/** What the device has recorded, once no session runs any more. */
async function ended(...[asker, device]: Parameters<typeof askForRecordings>) {
  const list = async () => (await askForRecordings(asker, device)).recordings
  await until(async () => (await list()).every(({ reason }) => reason !== undefined), 'the end of the sessions')
  return await list()
}

describe('recorded sessions', { skip: noAccess, timeout: 600_000 }, () => {
  it('are kept sealed, and opened by controllers', async t => {
    const { ssh, asker, device, recordings } = await accessScene(t, { grant: { record: true }, age })
    const ran = await ssh(['-tt', 'echo seen; exit 3'])
    assert.equal(ran.code, 3, ran.stderr)
    assert.match(ran.stdout, /seen/)
    const id = peerIdFromString(device.identity.peerId.toString())
    const list = await ended(asker, id)
    assert.deepEqual(
      list.map(({ operators, user, reason, controller }) => ({ operators, user, reason, controller })),
      [{ operators: ['ada'], user: 'root', reason: 'ended', controller: 'asker' }],
    )
    const [{ id: recording = '' } = {}] = list
    const file = await readRecording(asker, id, recording)
    assert.doesNotMatch(Buffer.from(file).toString('latin1'), /seen/)
    const { lines, whole } = await openRecording([identity], file)
    assert.equal(whole, true)
    const shown = readCast(lines).events.map(([, text]) => text)
    assert.match(shown.join(''), /seen\r\n/)
    await assert.rejects(openRecording([await generateX25519Identity()], file), withCode('not-encrypted-to-us'))
    // What is cut off keeps what is whole before it.
    assert.deepEqual(await openRecording([identity], file.subarray(0, file.length - 1)), { lines: '', whole: false })
    assert.deepEqual(readdirSync(recordings).sort(), [`${recording}.cast.age`, `${recording}.json`])
  })

  it('take a terminal, or move files, each of which is written down', async t => {
    const { ssh, asker, device, mesh } = await accessScene(t, { grant: { record: true }, age })
    const bare = await ssh(['echo unseen'])
    assert.equal(bare.code, 126)
    assert.doesNotMatch(bare.stdout, /unseen/)
    assert.match(bare.stderr, /are recorded: a command needs a terminal/)
    const target = join(mesh.directory, 'copied')
    const input = `put ${import.meta.filename} ${target}\n`
    const files = await ssh(['-q', '-b', '-', 'root@device'], { program: 'sftp', input })
    assert.equal(files.code, 0, files.stderr)
    assert.deepEqual(readFileSync(target), readFileSync(import.meta.filename))
    const id = peerIdFromString(device.identity.peerId.toString())
    const list = await ended(asker, id)
    const texts = list.map(async recording => {
      const { lines } = await openRecording([identity], await readRecording(asker, id, recording.id))
      return readCast(lines).events.map(([, text]) => text)
    })
    assert.match((await Promise.all(texts)).flat().join(''), new RegExp(`open "${target}"`))
  })

  it('are refused where nobody could open them, and shown to controllers only', async t => {
    const nobody = await accessScene(t, { grant: { record: true } })
    await assert.rejects(nobody.open(), withCode('failed'))
    assert.deepEqual(
      readdirSync(nobody.mesh.directory).filter(name => name.startsWith('recordings-of')),
      [],
    )
    const other = await accessScene(t, { role: 'device', age })
    await assert.rejects(askForRecordings(other.asker, other.device.host.peerId), withCode('not-served'))
  })

  it('end when they are full: nothing is done unseen', async t => {
    const { ssh, asker, device } = await accessScene(t, { grant: { record: true }, age })
    const ran = await ssh(['-tt', 'yes "$(printf %2000s)"'])
    assert.equal(ran.code, 255)
    const [recording] = await ended(asker, device.host.peerId)
    assert.match(recording?.reason ?? '', /its recording is full/)
    const file = await readRecording(asker, device.host.peerId, recording?.id ?? '')
    assert.equal((await openRecording([identity], file)).whole, true)
  })

  it('end when the disk is full, and keep what was sealed before', async t => {
    const { ssh, asker, device, recordings, mesh } = await accessScene(t, { grant: { record: true }, age })
    mkdirSync(recordings)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', recordings])
    if (mounted.status !== 0) return t.skip('nothing can be mounted here')
    mesh.after(async () => void spawnSync('umount', [recordings]))
    const ran = await ssh(['-tt', 'head -c 4000000 /dev/urandom | base64'])
    assert.equal(ran.code, 255)
    const list = async () => (await askForRecordings(asker, device.host.peerId)).recordings
    const [recording] = await list()
    const file = await readRecording(asker, device.host.peerId, recording?.id ?? '')
    const { lines, whole } = await openRecording([identity], file)
    assert.equal(whole, false)
    assert.ok(lines.length > 100_000)
  })

  it('come by a pipe that the session can not read, with its own home, and open whatever was shown', async t => {
    const { ssh, asker, device, mesh } = await accessScene(t, { grant: { record: true }, age })
    const ran = await ssh(['-tt', `echo home=$HOME; ls -l ${mesh.directory}/sessions-of-device/*/output`])
    assert.match(ran.stdout, /home=\/root\r\n/)
    assert.match(ran.stdout, /^prw--w---- 1 root /m)
    const zeros = await ssh(['-tt', 'head -c 12000000 /dev/zero'])
    assert.equal(zeros.code, 255)
    for (const { id } of await ended(asker, device.host.peerId)) {
      const file = await readRecording(asker, device.host.peerId, id)
      assert.equal((await openRecording([identity], file)).whole, true)
    }
  })

  it('begin anew where a session runs that would have to be recorded now', async t => {
    const { ssh, change, given, mesh } = await accessScene(t, { age })
    const file = join(mesh.directory, 'runs')
    const running = ssh([`touch ${file}; exec sleep 1000`])
    await until(() => existsSync(file), 'the session to run')
    await change([{ ...given, record: true }])
    assert.equal((await running).code, 255)
  })

  it('leave nothing where the key that logs in is not recorded', async t => {
    const { ssh, asker, device } = await accessScene(t, { age })
    assert.equal((await ssh(['true'])).code, 0)
    assert.deepEqual((await askForRecordings(asker, device.host.peerId)).recordings, [])
  })
})
