/** Handing connections to ssh: by the real Python, to a receiver that takes a descriptor as ssh does. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from '../../node/files/temporary.ts'
import { pythonWords } from '../session/descriptor-program.ts'

const module = pathToFileURL(join(import.meta.dirname, 'hand-over.ts')).href

/** As ssh: a socket as standard input of the command, out of which a descriptor comes; then it speaks on that. Prints what comes back. */
const receiver = `
import socket, subprocess, sys
ours, theirs = socket.socketpair()
child = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)
theirs.close()
data, given, _, _ = socket.recv_fds(ours, 1, 1)
child.wait()
print("exit", child.returncode)
if given:
  s = socket.socket(fileno=given[0])
  s.sendall(b"from ssh;")
  s.shutdown(socket.SHUT_WR)
  print(s.makefile("rb").read().decode())
`

/** What the receiver prints when a process of ours runs this code of ours. */
async function received(t: TestContext, code: string): Promise<{ stdout: string; stderr: string } | undefined> {
  const python = await pythonWords()
  if (python === undefined) return void t.skip('there is no python3')
  const program = `import { handOverProgram, handOverRunning } from '${module}'; const python = ${JSON.stringify(python)}; ${code}`
  const [file = '', ...args] = [...python, receiver, process.execPath, '--input-type=module-typescript', '-e', program]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], signal: AbortSignal.timeout(120_000) })
  const [stdout, stderr] = await Promise.all(
    [child.stdout, child.stderr].map(async stream => Buffer.concat(await stream.toArray()).toString()),
  )
  return { stdout: stdout ?? '', stderr: stderr ?? '' }
}

/** A controller that answers every request so, and with what it hears then. */
async function answering(t: TestContext, answer: string): Promise<string> {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'local.sock')
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    let heard = ''
    socket.once('data', () => {
      socket.write(answer)
      socket.on('data', text => {
        heard += text
      })
    })
    socket.once('end', () => socket.end(`heard: ${heard}`))
    if (!answer.includes(' 101 ')) socket.once('data', () => socket.end())
  })
  await new Promise<void>(resolve => server.listen(file, resolve))
  t.after(async () => {
    server.close()
    await folder.remove()
  })
  return file
}

it('gives ssh the stream itself, with what has come right behind its head', async t => {
  const file = await answering(t, 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: thymesh-stream\r\n\r\nSSH-2.0-first;')
  const found = await received(t, `await handOverRunning(python, '${file}', '/v1/devices/kiosk/ssh')`)
  if (found === undefined) return
  assert.deepEqual(found, { stdout: 'exit 0\nSSH-2.0-first;heard: from ssh;\n', stderr: '' })
})

it('says what the controller refuses with, and whether there is one', async t => {
  const python = await pythonWords()
  if (python === undefined) return t.skip('there is no python3')
  const body = JSON.stringify({ error: { code: 'not-granted', message: 'expected a grant', hint: 'Give one.' } })
  const file = await answering(t, `HTTP/1.1 409 Refused\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  const code = `
    for (const file of ['${file}', '/nowhere/local.sock']) {
      const said = await handOverRunning(python, file, '/v1/devices/kiosk/ssh').catch(thrown => thrown.code)
      console.error(said)
    }`
  assert.deepEqual(await received(t, code), { stdout: 'exit 0\n', stderr: 'not-granted\nleft\n' })
})

it('gives ssh one end of a connection, and a program the other one, which outlives us', async t => {
  const found = await received(t, `await handOverProgram(python, ['sh', '-c', 'cat; echo by a program'])`)
  if (found === undefined) return
  assert.deepEqual(found, { stdout: 'exit 0\nfrom ssh;by a program\n\n', stderr: '' })
})
