/**
 * Hands ssh a connection that leads to a device, for a ProxyCommand with ProxyUseFdpass (ssh_config(5)): standard input is a socket
 * of ssh, and the descriptor goes over it. Python asks for the stream and sends it, since Node can do neither without reading on.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fitsSocket } from '../../node/files/unix-socket.ts'
import { HintedError } from '../../protocol/errors.ts'
import { notUnderstood } from './api-error.ts'
import { type Absent, refusalIn } from './client.ts'
import { maxAnswerBytes } from './limits.ts'
import { streamUpgrade } from './upgrade.ts'

const handing = [
  'import socket, sys',
  // Whoever wanted the connection may be gone.
  'sys.excepthook = lambda kind, error, trace: print("thymesh: no connection for ssh:", error, file=sys.stderr)',
  'def hand(s):',
  '  rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, s.fileno().to_bytes(4, sys.byteorder))',
  '  socket.socket(fileno=0).sendmsg([bytes(1)], [rights])',
  '  print("handed", flush=True)',
]

/** Byte by byte up to the end of the head: what follows is for ssh. The body of an answer that is no stream goes to standard output. */
const asking = [
  ...handing,
  's = socket.socket(socket.AF_UNIX)',
  'head = body = b""',
  'try:',
  '  s.connect(sys.argv[1])',
  '  s.sendall(sys.argv[2].encode())',
  '  while not head.endswith(b"\\r\\n\\r\\n"):',
  '    byte = s.recv(1)',
  '    if not byte: break',
  '    head += byte',
  '  if not head.startswith(b"HTTP/1.1 101 "): body = s.makefile("rb").read()',
  'except (ConnectionError, FileNotFoundError): head = b""',
  'if head.startswith(b"HTTP/1.1 101 "): hand(s)',
  'else: sys.stdout.buffer.write(body)',
]

/** One end of a new connection for ssh, the other one as standard input and output of a program. */
const starting = [
  ...handing,
  'import subprocess',
  'ours, theirs = socket.socketpair()',
  'hand(theirs)',
  'subprocess.Popen(sys.argv[1:], stdin=ours, stdout=ours)',
]

/**
 * Asks the controller that runs for the stream at this path of its API, and hands it over: no byte of it passes through a process of
 * ours. `python` are the words before a script. Throws the error that came instead of a stream.
 */
export async function handOverRunning(
  python: readonly string[],
  file: string,
  path: string,
): Promise<'handed' | Absent> {
  if (!fitsSocket(file)) return 'nobody'
  const head = [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: Upgrade', `Upgrade: ${streamUpgrade}`, '', '']
  const said = await saidBy([...python, asking.join('\n'), file, head.join('\r\n')])
  if (said.length === 0) return 'left'
  if (isHanded(said)) return 'handed'
  throw refusalIn(said)
}

/** Hands over a connection whose bytes a program carries, on its standard input and output: it goes on when we have ended. */
export async function handOverProgram(python: readonly string[], argv: readonly string[]): Promise<void> {
  if (!isHanded(await saidBy([...python, starting.join('\n'), ...argv]))) {
    throw new HintedError('no-hand-over', 'expected ssh to take a connection, and it has taken none', {
      hint: 'Print the configuration anew, without it: thymesh ssh-config --plain',
    })
  }
}

function isHanded(said: Buffer): boolean {
  return said.toString() === 'handed\n'
}

/** Standard output of a program that has our standard input. */
async function saidBy([file = '', ...args]: readonly string[]): Promise<Buffer> {
  const child = spawn(file, args, { stdio: ['inherit', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const parts: Buffer[] = []
  let size = 0
  child.stdout.on('data', (part: Buffer) => {
    size += part.length
    if (size <= maxAnswerBytes) parts.push(part)
    else child.kill('SIGKILL')
  })
  await closed
  if (size > maxAnswerBytes) throw notUnderstood()
  return Buffer.concat(parts)
}
