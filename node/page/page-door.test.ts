/** Unit tests of a device's page: what it shows is data, whoever asks is checked, and the PIN has a limit. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { siteSample as shown } from '../../test/helpers/known-site.ts'
import { wrongPinsMs } from './limits.ts'
import { PageDoor, type PageDoorInit, pagePin } from './page-door.ts'

async function served(t: TestContext, init: Partial<PageDoorInit> = {}): Promise<PageDoor> {
  const door = await PageDoor.start({ port: 0, pin: undefined, shown, ...init })
  t.after(() => door.stop())
  return door
}

async function ask(door: PageDoor, headers: Record<string, string> = {}, path = '/', method = 'GET') {
  const host = `127.0.0.1:${door.port}`
  const sent = request({
    host: '127.0.0.1',
    port: door.port,
    path,
    method,
    headers: { host, ...headers },
    agent: false,
  })
  sent.end()
  const [response] = await once(sent, 'response')
  return { status: response.statusCode as number, headers: response.headers, body: await text(response) }
}

const password = (pin: string) => ({ authorization: `Basic ${Buffer.from(`tech:${pin}`).toString('base64')}` })

describe('the page of a device', () => {
  it('shows the site, and what was as what was', async t => {
    const { status, headers, body } = await ask(await served(t))
    assert.equal(status, 200)
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; style-src 'self';/)
    assert.match(body, /<strong>kiosk-1<\/strong> \(this device\)<\/td><td>running/)
    assert.match(body, /kiosk-3<\/td><td>was running<\/td><td>7<\/td><td>[^<]*<\/td><td>12 d/)
    assert.match(body, /kiosk-4<\/td><td>was running.*its clock is ahead/)
    assert.match(body, /kiosk-5<\/td><td>not seen yet/)
  })

  it('shows what others wrote as data', async t => {
    const { body } = await ask(await served(t))
    assert.match(body, /&#60;script&#62;/)
    assert.ok(!body.includes('<script') && !body.includes(String.fromCharCode(27)))
  })

  it('only reads, only its own pages, only for this machine', async t => {
    const door = await served(t)
    const statuses = await Promise.all([
      ask(door, {}, '/', 'POST'),
      ask(door, {}, '/other'),
      ask(door, { host: 'evil.example' }),
      ask(door, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'iframe' }),
      ask(door, {}, '/style.css'),
    ])
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [405, 404, 421, 403, 200],
    )
  })

  it('asks for the PIN on the network, and closes for a minute after ten wrong ones', async t => {
    let clock = 0
    const door = await served(t, { pin: '12345678', clock: () => clock })
    const first = await ask(door)
    assert.equal(first.status, 401)
    assert.match(String(first.headers['www-authenticate']), /^Basic/)
    assert.equal((await ask(door, { ...password('12345678'), host: '192.168.1.7:4463' })).status, 200)
    for (let each = 0; each < 10; each++) assert.equal((await ask(door, password('00000000'))).status, 401)
    assert.equal((await ask(door, password('12345678'))).status, 429)
    clock += wrongPinsMs
    assert.equal((await ask(door, password('12345678'))).status, 200)
  })

  it('keeps its PIN for its owner', async t => {
    const directory = await mkdtemp(join(tmpdir(), 'thymesh-pin-'))
    t.after(() => rm(directory, { recursive: true }))
    const pin = await pagePin(directory)
    assert.match(pin, /^\d{8}$/)
    assert.equal(await pagePin(directory), pin)
    assert.equal((await readFile(join(directory, 'page.pin'), 'utf8')).trim(), pin)
    assert.equal((await stat(join(directory, 'page.pin'))).mode & 0o077, 0)
  })
})
