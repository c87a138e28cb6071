/** Channels against real servers: what they get, and servers that hang, redirect, refuse or are where none may be. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import type { AlertChannel } from '../../protocol/alerts/rules.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import type { Notice } from './message.ts'
import { requireAddress } from './post.ts'
import { send } from './send.ts'

const notice: Notice = {
  ...{ fleet: 'f'.repeat(64), device: 'kiosk-1', site: 'north', peer: '12D3KooWpeer', since: 1_769_860_800, value: 93 },
  rule: {
    ...{ name: 'disk-full', when: { metric: 'disk', above: 90, for: '15m' }, severity: 'critical', notify: ['ops'] },
    ...{ resolve: true, text: 'remove old recordings: größer als sonst' },
  },
  ...{ ended: false, beganAt: new Date('2026-01-31T12:00:00Z'), endedAt: undefined, late: false },
}
const over: Notice = { ...notice, ended: true, endedAt: new Date('2026-01-31T13:00:00Z') }
const now = new Date('2026-01-31T13:00:01Z')
const never = new AbortController().signal
const sendNow = (channel: AlertChannel, notices = [notice], signal = never) =>
  send(channel, notices, { name: 'ops', now, signal })
const summary = 'kiosk-1: disk above 90 % for 15m, now 93 % (remove old recordings: größer als sonst)'

interface Got {
  readonly path: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function server(t: TestContext, answer: RequestListener): Promise<string> {
  const http = createServer(answer).listen(0, '127.0.0.1')
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  await once(http, 'listening')
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

async function sink(t: TestContext): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = []
  const url = await server(t, (request, reply) => {
    void text(request).then(body => {
      got.push({ path: request.url, headers: request.headers, body })
      reply.end('ok')
    })
  })
  return { url, got }
}

describe('a webhook', () => {
  it("gets Alertmanager's JSON", async t => {
    const { url, got } = await sink(t)
    await sendNow({ webhook: `${url}/hook?key=1`, private: true }, [notice, over])
    assert.equal(got[0]?.path, '/hook?key=1')
    const json = JSON.parse(got[0]?.body ?? '')
    assert.deepEqual([json.version, json.status, json.receiver], ['4', 'firing', 'ops'])
    const [first, second] = json.alerts
    assert.deepEqual(first.labels, {
      ...{ alertname: 'disk-full', device: 'kiosk-1', site: 'north', severity: 'critical', fleet: 'f'.repeat(64) },
    })
    assert.deepEqual(
      [first.status, first.startsAt, first.annotations.summary],
      ['firing', '2026-01-31T12:00:00.000Z', summary],
    )
    assert.deepEqual([second.status, second.endsAt], ['resolved', '2026-01-31T13:00:00.000Z'])
  })

  it('may be named in a file that only the device has', async t => {
    const { url, got } = await sink(t)
    const file = join(await testDirectory(t), 'url')
    await writeFile(file, `${url}/secret\n`)
    await sendNow({ webhook: { file }, private: true })
    assert.equal(got[0]?.path, '/secret')
    await writeFile(file, 'file:///etc/passwd')
    await assert.rejects(sendNow({ webhook: { file }, private: true }), withCode('not-sent'))
    await assert.rejects(sendNow({ webhook: { file: `${file}-missing` }, private: true }), withCode('not-sent'))
  })

  it('of a controller is in its folder, whatever path a release names', async t => {
    const { url, got } = await sink(t)
    const secrets = await testDirectory(t)
    await writeFile(join(secrets, 'hook'), url)
    const init = { name: 'ops', now: new Date(), signal: AbortSignal.timeout(30_000), secrets }
    await send({ webhook: { file: '/run/thymesh/secrets/hook' }, private: true }, [notice], init)
    assert.equal(got.length, 1)
    const outside = { webhook: { file: `${secrets}/../..` }, private: true }
    await assert.rejects(send(outside, [notice], init), withCode('not-sent'))
  })

  it('that redirects, refuses or hangs is a failure', async t => {
    const { url: target, got } = await sink(t)
    const redirects = await server(t, (_, reply) => reply.writeHead(307, { Location: target }).end())
    const refuses = await server(t, (_, reply) => reply.writeHead(500).end('x'.repeat(1_000_000)))
    for (const webhook of [redirects, refuses]) {
      await assert.rejects(sendNow({ webhook, private: true }), withCode('not-sent'))
    }
    assert.deepEqual(got, [])
    const asked = Promise.withResolvers<void>()
    const hangs = await server(t, () => asked.resolve())
    const ends = new AbortController()
    const sending = sendNow({ webhook: hangs, private: true }, [notice], ends.signal)
    await asked.promise
    ends.abort()
    await assert.rejects(sending, withCode('not-sent'))
  })

  it('is not called at addresses of private networks, unless it may be, and of clouds never', async t => {
    const { url, got } = await sink(t)
    await assert.rejects(sendNow({ webhook: url, private: false }), withCode('private-address'))
    await assert.rejects(
      sendNow({ webhook: url.replace('127.0.0.1', 'localhost'), private: false }),
      withCode('private-address'),
    )
    assert.deepEqual(got, [])
    for (const address of [
      '10.1.2.3',
      '127.0.0.1',
      '192.168.1.1',
      '172.16.0.1',
      '::1',
      'fd12::1',
      '::ffff:10.0.0.1',
      '100.64.0.1',
      '0.0.0.0',
    ]) {
      assert.throws(() => requireAddress(address, false), withCode('private-address'), address)
      requireAddress(address, true)
    }
    for (const address of ['169.254.169.254', 'fe80::1', '::ffff:169.254.169.254', 'fd00:ec2::254']) {
      assert.throws(() => requireAddress(address, true), withCode('private-address'), address)
    }
    for (const address of ['192.0.2.1', '2001:db8::1']) requireAddress(address, false)
  })
})

describe('ntfy', () => {
  it('gets a title, a text and a priority', async t => {
    const { url, got } = await sink(t)
    await sendNow({ ntfy: `${url}/topic`, private: true })
    const { title, priority } = got[0]?.headers ?? {}
    const word = /^=\?UTF-8\?B\?(.+)\?=$/.exec(String(title))?.[1] ?? ''
    assert.equal(Buffer.from(word, 'base64').toString(), '[critical] kiosk-1 disk-full')
    assert.deepEqual([priority, got[0]?.body], ['5', summary])
    await sendNow(
      { ntfy: `${url}/topic`, private: true },
      Array.from({ length: 30 }, () => over),
    )
    assert.match(got[1]?.body ?? '', /\nand 20 more$/)
  })
})

describe('a program', () => {
  it('of the device gets each alert, and its failure is one', async t => {
    const programs = await testDirectory(t)
    const log = join(programs, 'log')
    await writeFile(
      join(programs, 'siren'),
      `#!/bin/sh\necho "$THYMESH_STATUS $THYMESH_ALERT $THYMESH_DEVICE $THYMESH_SUMMARY" >>${log}\n`,
    )
    await writeFile(join(programs, 'broken'), '#!/bin/sh\necho no siren >&2\nexit 3\n')
    for (const name of ['siren', 'broken']) await chmod(join(programs, name), 0o755)
    const init = { name: 'ops', now, signal: never, programs }
    await send({ exec: 'siren' }, [notice, over], init)
    const [first = '', second = ''] = (await readFile(log, 'utf8')).split('\n')
    assert.equal(first, `firing disk-full kiosk-1 ${summary}`)
    assert.match(second, /^resolved disk-full kiosk-1 .* is over/)
    await assert.rejects(send({ exec: 'broken' }, [notice], init), /ended with 3: no siren/)
    await assert.rejects(send({ exec: 'missing' }, [notice], init), withCode('not-sent'))
  })
})

/** A mail server that takes one mail; with a certificate it offers STARTTLS. */
async function mailServer(t: TestContext, tls?: { key: string; cert: string }) {
  const lines: string[] = []
  const sockets = new Set<Socket>()
  const talk = (socket: Socket, isSecure: boolean) => {
    let [rest, inData] = ['', false]
    socket.on('error', () => {})
    socket.on('data', part => {
      const found = (rest + part.toString()).split('\r\n')
      rest = found.pop() ?? ''
      for (const line of found) {
        lines.push(line)
        if (inData) {
          if (line === '.') {
            inData = false
            socket.write('250 taken\r\n')
          }
        } else if (line.startsWith('EHLO')) {
          socket.write(`250-mail\r\n${tls && !isSecure ? '250-STARTTLS\r\n' : '250-AUTH PLAIN\r\n'}250 8BITMIME\r\n`)
        } else if (line === 'STARTTLS' && tls) {
          socket.write('220 go\r\n')
          socket.removeAllListeners('data')
          talk(new TLSSocket(socket, { ...tls, isServer: true }), true)
        } else if (line.startsWith('AUTH')) {
          socket.write(line.endsWith(Buffer.from('\0ada\0right').toString('base64')) ? '235 ok\r\n' : '535 no\r\n')
        } else if (line === 'DATA') {
          inData = true
          socket.write('354 go\r\n')
        } else socket.write(line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n')
      }
    })
  }
  const server = createTcpServer(socket => {
    sockets.add(socket)
    socket.write('220-mail\r\n220 ready\r\n')
    talk(socket, false)
  }).listen(0, '127.0.0.1')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, lines }
}

const smtp = (port: number, more: object = {}): AlertChannel => ({
  smtp: {
    host: '127.0.0.1',
    port,
    security: 'none',
    from: 'fleet@example.org',
    to: ['ada@example.org', 'bob@example.org'],
    ...more,
  },
  private: true,
})

describe('mail', () => {
  it('is sent to all, with a subject and a text that any client reads', async t => {
    const { port, lines } = await mailServer(t)
    await sendNow(smtp(port, { user: 'ada', password: 'right' }))
    assert.ok(lines.includes('MAIL FROM:<fleet@example.org>'))
    assert.ok(lines.includes('RCPT TO:<bob@example.org>'))
    const words = [...lines.join('\n').matchAll(/=\?UTF-8\?B\?([^?]+)\?=/g)].map(([, word = '']) =>
      Buffer.from(word, 'base64'),
    )
    assert.equal(Buffer.concat(words).toString(), '[critical] kiosk-1 disk-full')
    const body = lines.slice(lines.indexOf('', lines.indexOf('DATA')) + 1, lines.lastIndexOf('.')).join('')
    assert.equal(Buffer.from(body, 'base64').toString(), summary)
    assert.ok(lines.every(line => line.length < 998))
  })

  it('is not sent with a wrong password, or without the TLS that was demanded', async t => {
    const { port } = await mailServer(t)
    await assert.rejects(sendNow(smtp(port, { user: 'ada', password: 'wrong' })), /expected 235, got 535/)
    await assert.rejects(sendNow(smtp(port, { security: 'starttls' })), /offers no STARTTLS/)
  })

  it('is not given to a server whose certificate nobody knows', async t => {
    const folder = await testDirectory(t)
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=127.0.0.1',
      '-days',
      '2',
    ]
    execFileSync('openssl', [...args, '-keyout', `${folder}/key`, '-out', `${folder}/cert`], { stdio: 'ignore' })
    const [key, cert] = await Promise.all([readFile(`${folder}/key`, 'utf8'), readFile(`${folder}/cert`, 'utf8')])
    const { port, lines } = await mailServer(t, { key, cert })
    await assert.rejects(sendNow(smtp(port, { security: 'starttls' })), withCode('not-sent'))
    assert.ok(lines.includes('STARTTLS'))
    assert.ok(!lines.includes('DATA'))
    const direct = createTlsServer({ key, cert }, () => assert.fail('trusted')).listen(0, '127.0.0.1')
    t.after(() => direct.close())
    await once(direct, 'listening')
    await assert.rejects(
      sendNow(smtp((direct.address() as AddressInfo).port, { security: 'tls' })),
      withCode('not-sent'),
    )
  })
})
