/** A scene for access over real connections: a device with a real sshd, a controller that asks, and OpenSSH as its client. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { descriptorProgram } from '../../controller/session/descriptor-program.ts'
import { joinStreams } from '../../controller/session/join-streams.ts'
import { proxyLines } from '../../controller/session/ssh-ways.ts'
import { receiveMessage, sendMessage } from '../../node/access/duplex-messages.ts'
import type { ForwardLimits } from '../../node/access/forward-service.ts'
import { type ProofAbout, proofText } from '../../node/access/key-proof.ts'
import { accepted, openForward, openSsh } from '../../node/access/open-access.ts'
import type { SshServiceInit } from '../../node/access/ssh-service.ts'
import {
  accessVerdictCodec,
  type ForwardHello,
  forwardHelloCodec,
  forwardNamespace,
  proofCodec,
} from '../../protocol/messages/access.ts'
import type { AccessGrant } from '../../protocol/release/access.ts'
import { makeSshKey, publishAccess, serveAccess, signedBy } from './access.ts'
import { testSigner } from './fleet.ts'
import { connect, documentsOf, liveFleet, Mesh } from './mesh.ts'

/** Why there can be no access on this machine; false where there can. */
export const noAccess =
  process.getuid?.() !== 0
    ? 'sshd lets others in only as root'
    : !existsSync('/usr/sbin/sshd') && 'there is no sshd: scripts/setup --tests'
const pipeProgram = fileURLToPath(new URL('../../controller/session/pipe-program.ts', import.meta.url))

/** A proof that differs from the one that the device has asked for. */
interface Wrong {
  signWith?: string
  about?: Partial<ProofAbout>
  namespace?: string
}

export interface SceneInit {
  role?: 'controller' | 'device'
  grant?: Partial<AccessGrant>
  find?: SshServiceInit['find']
  loginMs?: number
  limits?: ForwardLimits
  /** The age recipient of the one who asks. */
  age?: string
}

/** A device, and a peer with an SSH key that is granted there. */
export async function accessScene(
  t: TestContext,
  { role = 'controller', grant, find, loginMs, limits, age }: SceneInit = {},
) {
  const mesh = await Mesh.of(t)
  const key = join(mesh.directory, 'key')
  const line = makeSshKey(key)
  const fleet = liveFleet()
  const given: AccessGrant = {
    ...{ id: 'ada-1', operator: 'ada', keys: [line], devices: ['device'], users: ['root'] },
    may: ['shell', 'exec', 'files'],
    ...grant,
  }
  publishAccess(fleet, ['device'], [given])
  const device = await mesh.start({ word: 'device', fleet })
  const certificate = fleet.certify(testSigner('asker'), { name: 'asker', role, ...(age && { age }) })
  const asker = await mesh.start({ word: 'asker', fleet, certificate })
  const { hostKey, place, recordings, endSessions } = await serveAccess(mesh, device, {
    ...(find && { find }),
    ...(loginMs !== undefined && { loginMs }),
    ...(limits && { limits }),
  })
  await connect(asker, device)
  const socket = join(mesh.directory, 'way')
  const server = createServer({ allowHalfOpen: true }, async each => {
    each.on('error', () => {})
    await openSsh(asker, device.host.peerId, 'root').then(
      stream => joinStreams(each, stream),
      () => each.destroy(),
    )
  })
  await new Promise<void>(resolve => server.listen(socket, resolve))
  mesh.after(async () => void server.close())
  const known = join(mesh.directory, 'known')
  await writeFile(known, `device ${hostKey}\n`)
  const clientOptions = [
    ...['-F', '/dev/null', '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none', '-o', 'BatchMode=yes'],
    ...['-o', `UserKnownHostsFile=${known}`, '-o', 'StrictHostKeyChecking=yes', '-o', 'HostKeyAlias=device'],
  ]
  const proxies = {
    pipe: ['-o', `ProxyCommand=${process.execPath} ${pipeProgram} ${socket}`],
    descriptor: proxyLines(socket, await descriptorProgram()).flatMap(line => ['-o', line]),
  }
  const children: ChildProcess[] = []
  mesh.after(async () => {
    for (const child of children) child.kill('SIGKILL')
  })
  /** Runs ssh, or another program of OpenSSH, to its end. */
  const ssh = async (
    args: readonly string[],
    {
      program = 'ssh',
      input = '',
      proxy = 'pipe',
    }: { program?: string; input?: string; proxy?: keyof typeof proxies } = {},
  ) => {
    const common = [...proxies[proxy], ...clientOptions]
    const all = program === 'ssh' ? [...common, 'root@device', ...args] : [...common, ...args]
    const child = spawn(program, all, { stdio: 'pipe', timeout: 600_000 })
    children.push(child)
    child.stdin.end(input)
    const [stdout, stderr, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>(resolve => child.once('close', resolve)),
    ])
    return { code, stdout, stderr }
  }
  const change = async (grants: readonly AccessGrant[]) => {
    const published = publishAccess(fleet, ['device'], grants)
    await device.state.accept(published.trusted, documentsOf(fleet))
  }
  const id = device.host.peerId
  const talk = async (hello: ForwardHello) => {
    const stream = await openForward(asker, id)
    stream.on('error', () => {})
    sendMessage(stream, forwardHelloCodec, hello)
    return stream
  }
  const limit = () => AbortSignal.timeout(120_000)
  /** A ticket, by a signature that may be wrong. */
  const ask = async ({ signWith = key, about = {}, namespace = forwardNamespace }: Wrong = {}) => {
    const stream = await talk({ v: 1, ask: { user: 'root', key: line } })
    const { challenge = new Uint8Array() } = accepted(await receiveMessage(stream, accessVerdictCodec, limit()), 'root')
    const [controller, own] = [asker.identity.peerId, device.identity.peerId]
    const signed = proofText({ fleet: fleet.fleet, device: own, controller, user: 'root', challenge, ...about })
    sendMessage(stream, proofCodec, { signature: signedBy(signWith, signed, namespace) })
    return accepted(await receiveMessage(stream, accessVerdictCodec, limit()), 'root').ticket ?? new Uint8Array()
  }
  const connectTo = async (ticket: Uint8Array, to: string) => {
    const stream = await talk({ v: 1, ticket, to })
    accepted(await receiveMessage(stream, accessVerdictCodec, limit()), 'root')
    return stream
  }
  const open = (user = 'root') => openSsh(asker, id, user)
  return { mesh, device, asker, ssh, change, given, key, hostKey, place, recordings, endSessions, open, ask, connectTo }
}
