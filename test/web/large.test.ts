/** The web page with a large fleet and with hostile text: ten thousand rows scroll, and what devices say is data. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import type { Report } from '../../protocol/report/report.ts'
import { accessibility } from '../helpers/axe.ts'
import { fits, startBrowser, type TestBrowser, watchProblems } from '../helpers/browser.ts'
import { type ServedPage, servedPage } from '../helpers/served-page.ts'

const size = 10_000

describe('the page with ten thousand devices', () => {
  const undo: (() => Promise<void>)[] = []
  let served: ServedPage
  let browser: TestBrowser
  let page: Page
  const problems: string[] = []
  before(async () => {
    served = await servedPage({ after: end => void undo.push(end) }, { devices: size })
    browser = await startBrowser()
    undo.push(() => browser.stop())
    page = await browser.page()
    page.setDefaultTimeout(120_000)
    watchProblems(page, problems)
    await page.goto(served.open())
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
  })
  after(async () => {
    for (const end of undo.reverse()) await end()
  })
  const rows = () => page.getByRole('table', { name: 'Devices' }).getByRole('row')

  it('has only the rows in sight in the document, and scrolls to the last one', async () => {
    await page.goto(`${served.page.address}#/devices`)
    await page.getByText('kiosk-00000').waitFor()
    assert.equal(await page.getByRole('table', { name: 'Devices' }).getAttribute('aria-rowcount'), String(size + 1))
    assert.ok((await rows().count()) < 100)
    await rows().nth(1).focus()
    await page.keyboard.press('End')
    await page.getByText('kiosk-09999').waitFor()
    assert.ok((await rows().count()) < 100)
    await page.getByLabel('Search devices').fill('kiosk-0777')
    await page.getByText('10 of 10,000 devices').waitFor()
    await page.getByLabel('Select all').check()
    await page.getByText('10 selected').waitFor()
    assert.deepEqual(await accessibility(page), [])
  })

  it('shows a report as it comes, and what a device says as data', async () => {
    const [device] = served.fleet.devices
    assert.ok(device)
    const message = `<img src=x onerror="document.title='broken'"> \u001b[31m\u202e${'x'.repeat(500)}`
    const more: Partial<Report> = { state: 'rolled-back', wanted: 2, error: { code: 'health-failed', message } }
    const excerpt = `<script>document.title='broken'</script>\u001b[2J\n${'long '.repeat(150)}`
    await page.goto(`${served.page.address}#/devices/${device.name}`)
    await page.getByRole('heading', { name: device.name }).waitFor()
    await served.controller.directory.addReport(served.fleet.report(device, 5, { ...more, excerpt }))
    await page.getByText('rolled back').first().waitFor()
    await page.getByRole('region', { name: 'The last activation that failed' }).last().waitFor()
    assert.equal(await page.title(), `${device.name} · Thymesh`)
    const content = (await page.textContent('main')) ?? ''
    assert.ok(content.includes('<img src=x onerror='))
    assert.ok(!/[\u202e]/.test(content) && !content.includes(String.fromCharCode(27)))
    assert.equal(await page.locator('main img, main script').count(), 0)
    await fits(page, 'a hostile report')
  })

  it('breaks none of its own rules meanwhile', () => {
    assert.deepEqual(problems, [])
  })
})
