/** `hands`: how quick a shell on a device is, how fast files and forwarded connections are, and how soon access ends. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { Device } from '../../../../test/e2e/helpers/device.ts'
import { Fleet } from '../../../../test/e2e/helpers/fleet.ts'
import { Daemon, until } from '../../../../test/e2e/helpers/processes.ts'
import { hello } from '../../../../test/e2e/helpers/project.ts'
import { main } from '../../../../test/helpers/program.ts'
import { ensurePrograms, output } from '../apt.ts'
import type { Bench } from '../bench.ts'
import type { Result } from '../result.ts'

const MiB = 1024 ** 2
const fileMiB = 256
const forwardMiB = 512
const prompts = 5
const echoes = 200

/** A client of the device: the way over the mesh, or OpenSSH without it. */
interface Client {
  ssh(command: string): ChildProcess
  /** Copies the file there; resolves to the seconds. */
  copy(file: string): Promise<number>
}

export function hands(bench: Bench): Promise<Result> {
  return bench.with(async stack => {
    await ensurePrograms({ '/usr/sbin/sshd': 'openssh-server', ssh: 'openssh-client' })
    const fleet = await Fleet.prepare()
    stack.defer(() => fleet.remove())
    const device = await started(fleet)
    const key = join(fleet.directory, 'key')
    await output('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    const logFile = join(fleet.directory, 'serve.log')
    const serve = new Daemon([], { command: 'serve', cwd: fleet.project, env: fleet.env, logFile })
    stack.defer(async () => void (await serve.end()))
    await until('the controller to serve', async () => (await serve.log()).includes('in the mesh'))
    const server = createServer(socket => {
      socket.on('error', () => {})
      const piece = Buffer.alloc(MiB)
      let left = forwardMiB
      const write = () => {
        while (left-- > 0) if (!socket.write(piece)) return void socket.once('drain', write)
        socket.end()
      }
      write()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    stack.defer(async () => void server.close())
    const { port } = server.address() as AddressInfo
    await fleet.json(
      'access',
      'grant',
      'ada',
      '--device',
      'first',
      '--key',
      `${key}.pub`,
      '--may',
      'exec',
      '--may',
      'files',
      '--may',
      'shell',
      '--forward',
      `tcp:127.0.0.1:${port}`,
    )
    const options = ['-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes']
    const mesh: Client = {
      ssh: command => spawn(process.execPath, [main, 'ssh', ...options, 'first', command], at(fleet)),
      copy: file => seconds(spawn(process.execPath, [main, 'cp', ...options, file, 'first:/dev/null'], at(fleet))),
    }
    await until('the device to let us in', async () => (await exitCode(mesh.ssh('true'))) === 0)
    const direct = await directClient(fleet, key)

    const file = join(fleet.directory, 'file')
    await writeFile(file, '')
    await truncate(file, fileMiB * MiB)
    const measured = async (client: Client) => {
      const prompt = median(await times(prompts, () => firstOutput(client.ssh('echo; cat'))))
      const echo = await echoP95(client.ssh('echo; cat'))
      return { prompt, echo, copy: (await client.copy(file)) / (fileMiB / 100) }
    }
    const over = await measured(mesh)
    bench.say(
      `  over the mesh: prompt ${over.prompt.toFixed(2)} s, echo ${(over.echo * 1000).toFixed(1)} ms, 100 MiB in ${over.copy.toFixed(2)} s`,
    )
    const beside = await measured(direct)
    bench.say(
      `  OpenSSH alone: prompt ${beside.prompt.toFixed(2)} s, echo ${(beside.echo * 1000).toFixed(1)} ms, 100 MiB in ${beside.copy.toFixed(2)} s`,
    )
    const forward = (await forwarded(fleet, key, port)) / (forwardMiB / 100)
    bench.say(`  forwarded: 100 MiB in ${forward.toFixed(2)} s`)
    const end = await ended(fleet, device, mesh)
    bench.say(`  a revoked session ended ${end.toFixed(2)} s after the device heard of it`)
    return {
      case: 'hands',
      bounds: [
        { what: 'until the prompt', figure: over.prompt, unit: 's', goal: 1 },
        { what: 'echo, p95, more than OpenSSH alone', figure: (over.echo - beside.echo) * 1000, unit: 'ms', goal: 5 },
        { what: 'to copy 100 MiB by scp', figure: over.copy, unit: 's', goal: 1.25 },
        { what: 'to forward 100 MiB', figure: forward, unit: 's', goal: 0.667 },
        { what: 'until a revoked session has ended', figure: end, unit: 's', goal: 2 },
      ],
      peers: { 'OpenSSH alone': beside.prompt },
      detail: { over, beside, forward, end, fileMiB, forwardMiB },
    }
  })
}

async function started(fleet: Fleet): Promise<Device> {
  await fleet.found()
  await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1') })
  const device = await fleet.device('first')
  device.start(await fleet.token('--bootstrap', device.address))
  await fleet.json('deploy', '--wait-for', 'first', '--timeout', '120')
  return device
}

/** An sshd of its own for each connection too, by pipes. */
async function directClient(fleet: Fleet, key: string): Promise<Client> {
  const own = join(fleet.directory, 'direct')
  await mkdir(own)
  await output('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(own, 'host')])
  const config = [
    'StrictModes no',
    'UsePAM no',
    `HostKey ${own}/host`,
    `AuthorizedKeysFile ${key}.pub`,
    'Subsystem sftp internal-sftp',
  ]
  await writeFile(join(own, 'config'), `${config.join('\n')}\n`)
  await mkdir('/run/sshd', { recursive: true })
  const options = [
    ...['-F', '/dev/null', '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
    ...['-o', `ProxyCommand=/usr/sbin/sshd -i -f ${own}/config`],
  ]
  return {
    ssh: command => spawn('ssh', [...options, 'root@direct', command], at(fleet)),
    copy: file => seconds(spawn('scp', [...options, file, 'root@direct:/dev/null'], at(fleet))),
  }
}

function at({ project, env }: Fleet) {
  return { cwd: project, env, stdio: ['pipe', 'pipe', 'ignore'] as ['pipe', 'pipe', 'ignore'] }
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close')
  return code
}

async function seconds(child: ChildProcess): Promise<number> {
  const began = performance.now()
  const code = await exitCode(child)
  if (code !== 0) throw new Error(`expected exit code 0, got ${code}`)
  return (performance.now() - began) / 1000
}

async function firstOutput(child: ChildProcess): Promise<number> {
  const began = performance.now()
  if (child.stdout === null) throw new RangeError('expected its output')
  await once(child.stdout, 'data')
  const took = (performance.now() - began) / 1000
  child.stdin?.end()
  await exitCode(child)
  return took
}

/** A byte there and back, many times. */
async function echoP95(child: ChildProcess): Promise<number> {
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new RangeError('expected its streams')
  await once(stdout, 'data')
  const all = await times(echoes, async () => {
    const began = performance.now()
    stdin.write('x')
    await once(stdout, 'data')
    return (performance.now() - began) / 1000
  })
  stdin.end()
  await exitCode(child)
  return all.sort((a, b) => a - b)[Math.floor(all.length * 0.95)] ?? 0
}

async function forwarded(fleet: Fleet, key: string, port: number): Promise<number> {
  const logFile = join(fleet.directory, 'forward.log')
  const args = ['first', String(port), '--local', '0', '-i', key]
  const forward = new Daemon(args, { command: 'forward', cwd: fleet.project, env: fleet.env, logFile })
  try {
    const [, host, local] = await until(
      'the forwarded port',
      async () => /http:\/\/([\d.]+):(\d+)/.exec(await forward.log()) ?? undefined,
    )
    const began = performance.now()
    // Into one buffer: what this process does with the bytes is not part of the way.
    let got = 0
    const callback = (length: number) => {
      got += length
      return true
    }
    const onread = { buffer: Buffer.allocUnsafeSlow(MiB), callback }
    const socket = connect({ host, port: Number(local), onread })
    await once(socket, 'close')
    if (got !== forwardMiB * MiB) throw new Error(`expected ${forwardMiB} MiB, got ${got} bytes`)
    return (performance.now() - began) / 1000
  } finally {
    await forward.end()
  }
}

/** From the device's line that it trusts the release until its line that the session is over. */
async function ended(fleet: Fleet, device: Device, mesh: Client): Promise<number> {
  const child = mesh.ssh('echo; exec sleep 1000')
  if (child.stdout !== null) await once(child.stdout, 'data')
  const over = exitCode(child)
  await fleet.json('access', 'revoke', 'ada')
  await over
  const timeOf = async (wanted: string) => {
    const lines = (await device.logLines()) as unknown as { msg: string; time: number | string }[]
    return lines.findLast(({ msg }) => msg.includes(wanted))?.time
  }
  const end = await until('the end in the log', () => timeOf('a session of SSH ended'))
  return (Number(new Date(end)) - Number(new Date((await timeOf('new release is trusted')) ?? end))) / 1000
}

async function times(count: number, work: () => Promise<number>): Promise<number[]> {
  const all: number[] = []
  for (let each = 0; each < count; each++) all.push(await work())
  return all
}

function median(all: number[]): number {
  return all.sort((a, b) => a - b)[all.length >> 1] ?? 0
}
