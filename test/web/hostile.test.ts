/** Hostile pages in a real browser: nothing of the fleet reaches them, and no order of theirs reaches the controller. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as forward, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { type ServedPage, servedPage } from '../helpers/served-page.ts'

describe('hostile pages', () => {
  const undo: (() => Promise<void>)[] = []
  let served: ServedPage
  let browser: TestBrowser
  /** Any other program of this machine with a page. */
  let other: Server
  const evil = 'rebound.example'
  before(async () => {
    served = await servedPage({ after: end => void undo.push(end) }, { devices: 3 })
    browser = await startBrowser([evil])
    undo.push(() => browser.stop())
    other = createServer((request, response) => {
      const port = served.page.port
      const pages: Record<string, string> = {
        '/frame': `<iframe src="http://127.0.0.1:${port}/"></iframe>`,
        '/form': `<form action="http://127.0.0.1:${port}/page/unlock" method="post" enctype="text/plain"><input name='{"a":"' value='"}'></form><script>document.forms[0].submit()</script>`,
      }
      response.setHeader('Content-Type', 'text/html')
      response.end(pages[request.url ?? ''] ?? '<p>Another page</p>')
    })
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    undo.push(async () => void other.close())
  })
  after(async () => {
    for (const end of undo.reverse()) await end()
  })
  const otherPage = (path: string) => `http://127.0.0.1:${(other.address() as AddressInfo).port}${path}`
  const address = (path: string) => `http://127.0.0.1:${served.page.port}${path}`

  it('a page of another port reads nothing, not even with a stolen token', async () => {
    const page = await browser.page()
    await page.goto(otherPage('/'))
    const [code, paths] = [served.page.codes.make(), ['/', '/v1/status', '/page/state']]
    for (const path of paths) {
      const read = await page.evaluate(async url => {
        try {
          return await (await fetch(url, { headers: { Authorization: 'Bearer x' } })).text()
        } catch (thrown) {
          return String(thrown)
        }
      }, address(path))
      assert.match(read, /Failed to fetch/, path)
    }
    // It has seen the code, and can't use it either; the code is still good for its browser.
    const sent = await page.evaluate(
      async ([url, code]) => {
        const init = { method: 'POST', mode: 'no-cors', body: JSON.stringify({ code }) } as const
        return await fetch(url as string, init).then(
          ({ type }) => type,
          () => 'failed',
        )
      },
      [address('/page/session'), code],
    )
    assert.match(sent, /^(?:opaque|failed)$/)
    assert.equal(served.page.sessions.all.length, 0)
    assert.ok(served.page.codes.redeem(code), 'expected the code to be unused')
  })

  it('a form of another page orders nothing', async () => {
    const page = await browser.page()
    await page.goto(otherPage('/form'))
    await page.waitForURL(address('/page/unlock'))
    assert.match(await page.content(), /one of/)
  })

  it('nobody frames it', async () => {
    const page = await browser.page()
    const failed = page.waitForEvent('requestfailed').catch(() => undefined)
    await page.goto(otherPage('/frame'))
    await Promise.race([failed, page.waitForLoadState('networkidle')])
    const texts = await Promise.all(page.frames().map(frame => frame.content().catch(() => '')))
    assert.ok(
      texts.every(text => !text.includes('id="app"')),
      'expected no frame with the page',
    )
  })

  it('a name that leads to this machine opens nothing', async () => {
    const page = await browser.page()
    const response = await page.goto(`http://${evil}:${served.page.port}/`)
    assert.equal(response?.status(), 421)
    assert.match((await page.textContent('body')) ?? '', /ssh -L/)
  })

  it('a link of another page opens the document, which holds nothing', async () => {
    const page = await browser.page()
    await page.goto(otherPage('/'))
    await page.evaluate(`location.href = ${JSON.stringify(address('/'))}`)
    await page.getByRole('heading', { name: 'This browser is not signed in' }).waitFor()
  })

  it('a reverse proxy before it lets nobody in, says so, and costs no code', async () => {
    // As nginx does it by default: the page's own Host, and nothing that tells of the proxy.
    const proxy = createServer((incoming, answer) => {
      const path = (incoming.url ?? '/').replace(/^\/fleet\//, '/')
      const headers = { ...incoming.headers, host: `127.0.0.1:${served.page.port}` }
      const init = { port: served.page.port, host: '127.0.0.1', path, method: incoming.method, headers }
      incoming.pipe(
        forward(init, come => {
          answer.writeHead(come.statusCode ?? 500, come.headers)
          come.pipe(answer)
        }),
      )
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    undo.push(async () => void proxy.close())
    const before = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`
    const code = served.page.codes.make()
    const page = await browser.page()
    for (const place of [before, `${before}fleet/`]) {
      await page.goto(`${place}#code=${code}`)
      await page.getByText('a proxy can not stand before it').waitFor()
    }
    await page.goto(`${served.page.address}#code=${code}`)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.context().close()
  })

  it('a code that was used elsewhere says so', async () => {
    const url = served.open()
    const first = await browser.page()
    await first.goto(url)
    await first.getByRole('heading', { name: 'Overview' }).waitFor()
    const second = await browser.page()
    await second.goto(url)
    await second.getByText('somebody else on this machine has').waitFor()
    // Neither the code nor a token stays in the address.
    assert.equal(new URL(first.url()).hash, '#/')
  })

  it("another tab of the same browser is signed in by the first one's token, and out with it", async () => {
    const first = await browser.page()
    await first.goto(served.open())
    await first.getByRole('heading', { name: 'Overview' }).waitFor()
    const second = await first.context().newPage()
    await second.goto(served.page.address)
    await second.getByRole('heading', { name: 'Overview' }).waitFor()
    assert.deepEqual(await first.context().cookies(), [])
    await first.getByRole('button', { name: 'Sign out' }).click()
    await second.getByRole('heading', { name: 'This browser is not signed in' }).waitFor()
  })
})
