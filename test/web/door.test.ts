/** The door of the web page against hostile pages and programs: each is refused with a clear error, and nothing is told. */

import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ask, codeOf } from '../helpers/served-api.ts'
import { type ServedPage, servedPage } from '../helpers/served-page.ts'

describe('the door of the page', () => {
  const undo: (() => Promise<void>)[] = []
  let served: ServedPage
  let now = 0
  before(async () => {
    served = await servedPage({ after: end => void undo.push(end) }, { devices: 3, codeClock: () => now })
  })
  after(async () => {
    for (const end of undo.reverse()) await end()
  })
  const port = () => served.page.port
  const own = () => ({ Host: `127.0.0.1:${port()}`, 'Sec-Fetch-Site': 'same-origin' })
  const json = { 'Content-Type': 'application/json' }
  const redeem = async (code: string) =>
    await ask(port(), '/page/session', {
      method: 'POST',
      headers: { ...own(), ...json },
      body: JSON.stringify({ code }),
    })
  const signedIn = async () => {
    const { json: answer } = await redeem(served.page.codes.make())
    assert.equal(typeof answer.token, 'string')
    return { ...own(), Authorization: `Bearer ${answer.token}` }
  }

  it('lets a code in once', async () => {
    const code = served.page.codes.make()
    assert.equal((await redeem(code)).status, 200)
    const again = await redeem(code)
    assert.deepEqual([again.status, again.json.error?.code], [403, 'wrong-code'])
    assert.match(again.json.error?.hint ?? '', /somebody else/)
  })

  it('lets no code in after a minute', async () => {
    const [first, second] = [served.page.codes.make(), served.page.codes.make()]
    now += 59_999
    assert.equal((await redeem(first)).status, 200)
    now += 1
    assert.equal((await redeem(second)).json.error?.code, 'wrong-code')
  })

  it('answers nobody without a token, or with another one', async () => {
    for (const path of ['/v1/status', '/v1/events', '/page/state', '/page/sessions', '/page/ssh-keys']) {
      assert.deepEqual(await codeOf(port(), path, { headers: own() }), [401, 'no-token'], path)
    }
    const wrong = { ...own(), Authorization: `Bearer ${'A'.repeat(43)}` }
    assert.deepEqual(await codeOf(port(), '/v1/status', { headers: wrong }), [401, 'no-token'])
  })

  it('is read-only for a viewer, and says why', async () => {
    const { peer } = served.session
    const was = Object.getOwnPropertyDescriptor(peer, 'certificate') ?? {}
    Object.defineProperty(peer, 'certificate', {
      ...{ configurable: true },
      value: { ...peer.certificate, token: 'aa' },
    })
    try {
      const headers = await signedIn()
      const { json: state } = await ask(port(), '/page/state', { headers })
      assert.deepEqual([state.viewer, state.operator], [true, peer.certificate.name])
      const post = { method: 'POST', headers: { ...headers, ...json }, body: '{}' }
      for (const path of ['/page/unlock', '/v1/rollback']) {
        assert.deepEqual(await codeOf(port(), path, post), [403, 'viewer'], path)
      }
    } finally {
      Object.defineProperty(peer, 'certificate', was)
    }
  })

  it('answers no other host, and none with another port', async () => {
    const good = await signedIn()
    assert.deepEqual(await codeOf(port(), '/v1/status', { headers: good }), [200, undefined])
    for (const Host of [
      'evil.example',
      `evil.example:${port()}`,
      '127.0.0.1',
      '127.0.0.1:1',
      'localhost.evil.example',
    ]) {
      const [status, code] = await codeOf(port(), '/v1/status', { headers: { ...good, Host } })
      assert.deepEqual([status, code], [421, 'wrong-host'], Host)
    }
    for (const Host of [`localhost:${port()}`, `[::1]:${port()}`]) {
      assert.deepEqual(await codeOf(port(), '/v1/status', { headers: { ...good, Host } }), [200, undefined], Host)
    }
  })

  it('answers no other page, whatever token it has', async () => {
    const good = await signedIn()
    const foreign: Record<string, string>[] = [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: 'http://127.0.0.1:1' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
    ]
    for (const more of foreign) {
      const named = JSON.stringify(more)
      assert.deepEqual(
        await codeOf(port(), '/v1/status', { headers: { ...good, ...more } }),
        [403, 'cross-site'],
        named,
      )
      assert.deepEqual(await codeOf(port(), '/', { headers: { ...own(), ...more } }), [403, 'cross-site'], named)
    }
  })

  it('takes orders as JSON only, in bounds, without unknown keys', async () => {
    const good = await signedIn()
    const order = (headers: Record<string, string>, body: string) =>
      codeOf(port(), '/page/unlock', { method: 'POST', headers: { ...good, ...headers }, body })
    assert.deepEqual(await order({ 'Content-Type': 'text/plain' }, '{}'), [415, 'wrong-type'])
    assert.deepEqual(await order({ 'Content-Type': 'application/x-www-form-urlencoded' }, 'a=1'), [415, 'wrong-type'])
    assert.deepEqual(await order(json, '{"passphrase": 1}'), [400, 'not-understood'])
    assert.deepEqual(await order(json, '{"other": true}'), [400, 'not-understood'])
    assert.deepEqual(await order(json, '{'), [400, 'not-understood'])
    assert.deepEqual(await order(json, `{"passphrase": "${'x'.repeat(10 * 1024 * 1024)}"}`), [413, 'body-too-large'])
  })

  it('takes no order while the keys are locked', async () => {
    const good = { ...(await signedIn()), ...json }
    const order = () => codeOf(port(), '/v1/renew', { method: 'POST', headers: good, body: '{"members": []}' })
    assert.deepEqual(await order(), [403, 'locked'])
    assert.deepEqual(await codeOf(port(), '/page/unlock', { method: 'POST', headers: good, body: '{}' }), [
      200,
      undefined,
    ])
    assert.deepEqual(await order(), [202, undefined])
    // Another browser's keys are not open.
    const other = { ...(await signedIn()), ...json }
    assert.deepEqual(await codeOf(port(), '/v1/renew', { method: 'POST', headers: other, body: '{"members": []}' }), [
      403,
      'locked',
    ])
    assert.deepEqual(await codeOf(port(), '/page/lock', { method: 'POST', headers: good, body: '{}' }), [
      200,
      undefined,
    ])
    assert.deepEqual(await order(), [403, 'locked'])
  })

  it('signs a browser out', async () => {
    const good = { ...(await signedIn()), ...json }
    const { json: state } = await ask(port(), '/page/state', { headers: good })
    const body = JSON.stringify({ id: state.id })
    assert.deepEqual(await codeOf(port(), '/page/end', { method: 'POST', headers: good, body }), [200, undefined])
    assert.deepEqual(await codeOf(port(), '/v1/status', { headers: good }), [401, 'no-token'])
  })

  it('serves its own files and nothing beside them', async () => {
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/assets/../../limits.ts',
      '/assets',
      '/index.html.map',
    ]) {
      assert.deepEqual(await codeOf(port(), path, { headers: own() }), [404, 'unknown-route'], path)
    }
  })

  it('gives an artifact as a file to save, to who is signed in, and nothing beside artifacts/', async () => {
    const { directory, peer } = served.session
    await mkdir(join(directory, 'artifacts/brand'), { recursive: true })
    await writeFile(join(directory, 'thymesh.json'), JSON.stringify({ fleet: peer.fleet, name: 'orchard' }))
    await writeFile(join(directory, 'artifacts/brand/logo.svg'), '<svg onload="alert(1)"/>')
    await symlink('../thymesh.json', join(directory, 'artifacts/out'))
    const of = (path: string) => `/page/artifact?path=${encodeURIComponent(path)}`
    assert.deepEqual(await codeOf(port(), of('brand/logo.svg'), { headers: own() }), [401, 'no-token'])
    const headers = await signedIn()
    for (const path of ['out', '../thymesh.json', '/etc/passwd', 'brand', 'none', '\0', 'brand/../../thymesh.json']) {
      assert.deepEqual(await codeOf(port(), of(path), { headers }), [404, 'no-such-entry'], path)
    }
    const response = await fetch(`${served.page.address.replace(/\/$/, '')}${of('brand/logo.svg')}`, { headers })
    assert.equal(await response.text(), '<svg onload="alert(1)"/>')
    assert.equal(response.headers.get('content-type'), 'application/octet-stream')
    assert.equal(response.headers.get('content-disposition'), 'attachment')
    await writeFile(join(directory, 'artifacts/empty'), '')
    const empty = await fetch(`${served.page.address.replace(/\/$/, '')}${of('empty')}`, { headers })
    assert.deepEqual([empty.status, await empty.text()], [200, ''])
  })

  it('opens no other page, and tells nobody who is signed in, by the API', async () => {
    const good = { ...(await signedIn()), ...json }
    assert.deepEqual(await codeOf(port(), '/v1/web/open', { method: 'POST', headers: good, body: '{}' }), [
      404,
      'unknown-route',
    ])
  })

  it('says so where another program has its port, and which one is free to choose', async t => {
    const { code, hint } = await servedPage(t, { devices: 1, port: port() }).then(
      () => assert.fail('two programs have one port'),
      (thrown: { code: string; hint: string }) => thrown,
    )
    assert.equal(code, 'port-unavailable')
    assert.match(hint, /another port: thymesh web --port \d+/)
  })

  it('forbids the browser all that the page does not need', async () => {
    const response = await fetch(served.page.address)
    const policy = response.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.match(policy, /require-trusted-types-for 'script'/)
    assert.doesNotMatch(policy, /unsafe|https?:|\*/)
    assert.equal(response.headers.get('cross-origin-resource-policy'), 'same-origin')
    assert.equal(response.headers.get('access-control-allow-origin'), null)
    const html = await response.text()
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=/)
  })
})
