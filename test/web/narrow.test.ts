/** Every view on a narrow screen: none is wider than it, in either language. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Locator } from 'playwright-core'
import { fits, startBrowser, watchProblems } from '../helpers/browser.ts'
import { servedPage } from '../helpers/served-page.ts'

it('scrolls no view sideways at 320 px, in both languages', async t => {
  const browser = await startBrowser()
  t.after(() => browser.stop())
  const served = await servedPage(t, { devices: 45 })
  const page = await browser.page()
  page.setDefaultTimeout(120_000)
  const problems: string[] = []
  watchProblems(page, problems)
  await page.goto(served.open())
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.setViewportSize({ width: 320, height: 640 })
  const [, , , failed] = served.fleet.devices
  assert.ok(failed)
  const tabs = ['', '/history', '/logs', '/terminal', '/files', '/screen', '/recordings', '/identity', '/manage']
  const look = async (place: string, shown: Locator) => {
    await page.goto(`${served.page.address}#/${place.replace('#/', '')}`)
    await shown.waitFor()
    await page
      .getByText(/^(?:Loading|Lädt) …$/)
      .first()
      .waitFor({ state: 'detached' })
    // As long as the name of a site may be.
    for (const option of await page.locator('main select option').all()) {
      await option.evaluate(found => found.append('W'.repeat(63)))
    }
    await fits(page, place)
  }
  for (const language of ['de', 'en']) {
    await page.evaluate(language => localStorage.setItem('thymesh.language', language), language)
    await page.reload()
    await page.getByRole('heading', { level: 1 }).waitFor()
    const menu = await page.locator('#nav li a').evaluateAll(links =>
      links.map(link => ({
        place: link.getAttribute('href') ?? '',
        // Without the count beside it.
        title: [...link.childNodes].map(each => (each.nodeName === '#text' ? each.textContent : '')).join(''),
      })),
    )
    assert.ok(menu.length > 20)
    for (const { place, title } of menu) {
      await look(place, page.locator('main').getByRole('heading', { level: 1, name: title.trim(), exact: true }))
    }
    for (const tab of tabs) {
      const place = `#/devices/${failed.name}${tab}`
      await look(place, page.locator(`main nav a[aria-current][href="${place}"]`))
    }
  }
  assert.deepEqual(problems, [])
})
