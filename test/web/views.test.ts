/** Views that need no process of a device: sites, sessions, the palette, alerts, and a browser whose computer sleeps. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { rehearsedSchema } from '../../controller/api/schemas/rehearsal.ts'
import { accessibility } from '../helpers/axe.ts'
import { fits, startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { type ServedPage, servedPage } from '../helpers/served-page.ts'
import { clockStep, columnsStep, germanStep } from './choice-steps.ts'
import { keysStep } from './keys-step.ts'

describe('views of the page', () => {
  const undo: (() => Promise<void>)[] = []
  let served: ServedPage
  let browser: TestBrowser
  let page: Page
  const problems: string[] = []
  before(async () => {
    served = await servedPage({ after: end => void undo.push(end) }, { devices: 45 })
    browser = await startBrowser()
    undo.push(() => browser.stop())
    page = await opened()
  })
  after(async () => {
    for (const end of undo.reverse()) await end()
  })
  const heading = (name: string | RegExp) => page.getByRole('heading', { name, level: 1 })
  const go = (place: string) => page.goto(`${served.page.address}#/${place}`)

  async function opened(script?: string): Promise<Page> {
    const page = await browser.page()
    page.setDefaultTimeout(120_000)
    page.on('pageerror', error => problems.push(error.message))
    page.on('console', message => {
      // Requests that are refused are part of it: a browser that is signed out, a project that is none.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        problems.push(message.text())
    })
    if (script !== undefined) await page.addInitScript(script)
    await page.goto(served.open())
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    return page
  }

  it('lists sites, and opens one with its devices and what a visitor waits for', async () => {
    await go('sites')
    await page.getByRole('row').filter({ hasText: 'site-000' }).getByText('20 of 20').waitFor()
    await page.getByRole('link', { name: 'site-002' }).click()
    await heading('site-002').waitFor()
    await page.getByRole('link', { name: 'kiosk-00044' }).waitFor()
    await page.getByRole('link', { name: 'Visit' }).click()
    await page.getByText('All devices have ended with the release').waitFor()
    await go('sites/nowhere')
    await page.getByText('No device has this site').waitFor()
  })

  it('says what a release has that the one before had not, and what it costs', async () => {
    await go('releases/2/packages')
    await page.getByText('knows no older one').waitFor()
    await go('releases/2/sites')
    await page.getByRole('table', { name: 'What it costs' }).getByText('site-001').waitFor()
  })

  it('goes anywhere by the palette, by keys alone', async () => {
    await go('')
    await heading('Overview').waitFor()
    await page.keyboard.press('Control+k')
    const input = page.getByRole('combobox', { name: /^Device, site/ })
    await input.fill('kiosk-00031')
    await page.getByRole('option', { name: /kiosk-00031/ }).waitFor()
    await page.keyboard.press('Enter')
    await heading('kiosk-00031').waitFor()
    await page.keyboard.press('Control+k')
    await input.fill('site 001')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.getByRole('option', { selected: true }).filter({ hasText: 'site-001' }).waitFor()
    await page.keyboard.press('Enter')
    await heading('site-001').waitFor()
    await page.keyboard.press('Control+k')
    await input.fill('dark')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate<string>('document.documentElement.dataset.theme'), 'dark')
    await page.keyboard.press('Control+k')
    await input.fill('deploy')
    assert.deepEqual(await accessibility(page), [])
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByText('Deploy the last commit').waitFor()
    // Over a dialog it stays away, and going back begins nothing anew.
    await page.keyboard.press('Control+k')
    assert.equal(await page.getByRole('combobox', { name: /^Device, site/ }).count(), 0)
    await page.keyboard.press('Escape')
    assert.equal(new URL(page.url()).hash, '#/releases')
    await page.keyboard.press('Control+k')
    await input.fill('nothing is called so')
    await page.getByText('Nothing fits').waitFor()
    await page.keyboard.press('Escape')
  })

  it('can be used by keys alone: skips the menu, sees the focus, and gets it back from each dialog', () =>
    keysStep(page, served.page.address))

  it('has the columns that are chosen', () => columnsStep(page, served.page.address))

  it('keeps a filter under a name, and finds it again', async () => {
    await go('devices?q=kiosk-0000')
    await page.getByRole('button', { name: 'Save this filter' }).click()
    await page.getByRole('dialog').getByLabel('Name of the filter').fill('the first ones')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'the first ones' }).waitFor()
    await go('')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: /^Device, site/ }).fill('first ones')
    await page.keyboard.press('Enter')
    await page.getByText('10 of 45 devices').waitFor()
    // Also where rows have two lines and no heading.
    await page.setViewportSize({ width: 900, height: 800 })
    await page.getByLabel('Select all').check()
    await page.getByText('10 selected').waitFor()
    await page.setViewportSize({ width: 1280, height: 800 })
    await go('settings')
    await page.getByText('the first ones').waitFor()
    await page.getByRole('button', { name: 'Forget them' }).click()
    await page.getByText('Saved filters are forgotten').waitFor()
  })

  it('lists the browsers that are signed in, signs others out, and at last all', async () => {
    const [second, third] = [await opened(), await opened()]
    await go('settings')
    const sessions = page.getByRole('table', { name: 'Sessions' })
    await sessions.getByText('(this one)').waitFor()
    await page.reload()
    await sessions.getByRole('row').nth(3).waitFor()
    const others = sessions.getByRole('row').filter({ hasText: 'Chromium' }).filter({ hasNotText: 'this one' })
    await others.first().getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('One browser is signed out').waitFor()
    await others.nth(1).waitFor({ state: 'detached' })
    // Whoever came in since the list was read goes too.
    await served.page.sessions.begin('a stranger')
    await page.getByRole('button', { name: 'Sign all others out' }).click()
    await page.getByText('2 browsers are signed out').waitFor()
    const out = { name: 'This browser is not signed in' }
    for (const each of [second, third]) {
      await each.getByRole('heading', out).waitFor()
      await each.context().close()
    }
    assert.equal(served.page.sessions.all.length, 1)
    // One that has ended by itself is still in the list that this browser has read.
    const { session: brief } = await served.page.sessions.begin('a brief visitor')
    await page.reload()
    const visitor = sessions.getByRole('row').filter({ hasNotText: 'this one' }).nth(1)
    await visitor.waitFor()
    await served.page.sessions.end(brief.id)
    await visitor.getByRole('button', { name: 'Sign out' }).click()
    await visitor.waitFor({ state: 'detached' })
    assert.equal(await page.getByText('expected the ID of a browser').count(), 0)
    await page.getByRole('button', { name: 'Sign all out' }).click()
    await page.getByRole('heading', out).waitFor()
    assert.equal(served.page.sessions.all.length, 0)
    await page.goto(served.open())
    await heading('Overview').waitFor()
  })

  it('misses no report that comes while it reads the fleet, as a first tab and beside another', async () => {
    const tab = await opened()
    const beside = await tab.context().newPage()
    await beside.goto(`${served.page.address}#/devices`)
    await beside.getByText('kiosk-00000').waitFor()
    const [device] = served.fleet.devices
    assert.ok(device)
    const shows = (page: Page, word: string) =>
      page.getByRole('row').filter({ hasText: device.name }).getByText(word).waitFor()
    const reloaded = async (counter: number, state: 'failed' | 'rolled-back', heard: () => Promise<void>) => {
      await beside.route('**/v1/status', async route => {
        const response = await route.fetch()
        await served.controller.directory.addReport(served.fleet.report(device, counter, { state }))
        await heard()
        await route.fulfill({ response })
      })
      await beside.reload()
      await shows(beside, state.replace('-', ' '))
      await beside.unroute('**/v1/status')
    }
    await tab.goto(`${served.page.address}#/devices`)
    await reloaded(20, 'failed', () => shows(tab, 'failed'))
    // The worker of the stream goes with the last tab that it has.
    await tab.close()
    await reloaded(21, 'rolled-back', async () => {})
    await beside.context().close()
  })

  it('shows what a second report of one second says', async () => {
    const [, , , , , device] = served.fleet.devices
    assert.ok(device)
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const error = { code: 'health-failed', message: 'kiosk.service failed' } as const
    await go(`devices/${device.name}`)
    await heading(device.name).waitFor()
    for (const [counter, excerpt] of [
      [30, 'the first line'],
      [31, 'the second line'],
    ] as const) {
      const report = served.fleet.report(device, counter, { at, state: 'rolled-back', error, excerpt })
      await served.controller.directory.addReport(report)
      await page.getByText(excerpt).first().waitFor()
    }
    await germanStep(page, `${served.page.address}#/devices/${device.name}`, error.message)
  })

  it('says that there are no rules for alerts, where there are none', async () => {
    await go('alerts')
    await page.getByText('The release has no alert rules').waitFor()
  })

  it('says that no device is in reach for metrics, and reads none from those that are not', async () => {
    await go('metrics')
    await page.getByText('No device is in reach').waitFor()
    await go('devices/kiosk-00003/metrics')
    await page.getByRole('alert').waitFor()
  })

  it('says that the computer slept, and tells no state of before as that of now', async () => {
    // A shared worker has a clock of its own; without one the page reads the stream itself.
    const other = await opened('delete window.SharedWorker')
    await other.clock.install()
    await other.reload()
    await other.goto(`${served.page.address}#/devices/kiosk-00001`)
    await other.getByRole('heading', { name: 'kiosk-00001' }).waitFor()
    await other.clock.fastForward('03:00:00')
    await other.getByText(/This computer slept for/).waitFor()
    await other.context().close()
  })

  it('says so where the clock of the browser is a year ahead of the controller’s', () => clockStep(opened))

  it('calls a clock wrong that a device has set a year ahead', async () => {
    const [, , device] = served.fleet.devices
    assert.ok(device)
    const at = new Date(Date.now() + 366 * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z')
    await served.controller.directory.addReport(served.fleet.report(device, 9, { at }))
    await go(`devices/${device.name}`)
    await page.getByText('clock is ahead').first().waitFor()
    await page.getByText('was running').first().waitFor()
  })

  it('says who fails next, the most urgent first', async () => {
    const [, , , device] = served.fleet.devices
    assert.ok(device)
    const error = { code: 'health-failed', message: `kiosk.service failed: ${'W'.repeat(300)}` } as const
    await served.controller.directory.addReport(served.fleet.report(device, 9, { state: 'rolled-back', error }))
    await go('risks')
    const row = page.getByRole('row').filter({ hasText: device.name })
    await row.getByText('its last update did not succeed').waitFor()
    await page.getByText('45 devices did not tell their history').waitFor()
  })

  it('shows what a rehearsal has seen, step by step', async () => {
    const topLevel = `/nix/store/${'0'.repeat(32)}-kiosk`
    const steps = [
      { step: 'boot', ok: true, seconds: 2, said: 'the machine is up' },
      { step: 'power cut', ok: false, seconds: 7.5, said: 'it did not come up again' },
    ]
    const about = { config: 'kiosk', device: 'kiosk-00001', topLevel, from: null, verdict: 'fail', seconds: 9.5 }
    const { id } = await served.tasks.start('rehearse', { config: 'kiosk' }, async () =>
      rehearsedSchema.parse({ ...about, steps }),
    )
    await go(`tasks/${id}`)
    await page.getByRole('heading', { name: 'kiosk did not pass' }).waitFor()
    const row = page.getByRole('row').filter({ hasText: 'power cut' })
    await row.getByText('it did not come up again').waitFor()
    await row.getByText('failed').waitFor()
  })

  it('has no serious finding of axe-core, in both themes and at 320 px', async () => {
    const places = [
      'sites',
      'sites/site-001',
      'sites/site-001/visit',
      'sites/site-001/cost',
      'releases/2/packages',
      'releases/2/sites',
      'metrics',
      'metrics?all=yes',
      'alerts',
      'settings',
    ]
    for (const place of places) {
      await go(place)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.getByText('Loading …').first().waitFor({ state: 'detached' })
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        assert.deepEqual(await accessibility(page), [], `${place} ${colorScheme}`)
      }
      await page.setViewportSize({ width: 320, height: 640 })
      await fits(page, place)
      assert.deepEqual(await accessibility(page), [], `${place} narrow`)
      await page.setViewportSize({ width: 1280, height: 800 })
    }
  })

  it('scrolls no view sideways at 320 px, in both languages', async () => {
    await page.setViewportSize({ width: 320, height: 640 })
    const [, , , failed] = served.fleet.devices
    assert.ok(failed)
    const tabs = ['', '/history', '/logs', '/terminal', '/files', '/screen', '/recordings', '/identity', '/manage']
    const look = async (place: string, shown: Locator) => {
      await go(place.replace('#/', ''))
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
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  it('breaks none of its own rules meanwhile', () => {
    assert.deepEqual(problems, [])
  })
})
