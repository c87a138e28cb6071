/**
 * The program that connects to a Unix socket and hands the connection to ssh, which then reads and writes it itself (ssh_config(5),
 * ProxyUseFdpass): nothing else is between ssh and the socket. Node can't send descriptors, and OpenBSD's netcat only those of TCP.
 */

import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { runProgram } from '../../node/process/run-program.ts'

/** Of Python 3: connects to the socket of its first argument, and sends the descriptor over standard output, as ssh expects it. */
const script = [
  'import socket, sys',
  'sys.excepthook = lambda kind, error, trace: print("thymesh: no connection to the device:", error, file=sys.stderr)',
  's = socket.socket(socket.AF_UNIX)',
  's.connect(sys.argv[1])',
  'rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, s.fileno().to_bytes(4, sys.byteorder))',
  'socket.socket(fileno=1).sendmsg([bytes(1)], [rights])',
].join('; ')

/** What a Python must have for it; a minimal or broken one has not, and a version manager may have none to start. */
const trial = 'import socket; socket.SCM_RIGHTS'
const trialMs = 5_000

/** The words of a ProxyCommand, but for the socket, which is the last one; nothing where this machine has no Python that can do it. */
export async function descriptorProgram(path?: string): Promise<string[] | undefined> {
  const start = await pythonWords(path)
  return start && [...start, script]
}

/** The words of a command before a script of Python that hands over descriptors; nothing where this machine has none that can. */
export async function pythonWords(path = `/usr/bin:${process.env.PATH ?? ''}`): Promise<string[] | undefined> {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue
    const file = join(folder, 'python3')
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    // Without the user's own modules and site's, which only take time.
    const start = [file, '-I', '-S', '-c']
    if (isThere && (await works([...start, trial]))) return start
  }
  return undefined
}

async function works(argv: readonly string[]): Promise<boolean> {
  const [program = '', ...args] = argv
  const ended = await runProgram(program, args, { timeoutMs: trialMs, lines: 1 }).catch(() => undefined)
  return ended?.code === 0
}
