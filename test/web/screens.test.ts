/** Screens of a device in a real browser, with a real Xvnc behind the mesh: small pictures, a live view, control, and refusals. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { accessibility } from '../helpers/axe.ts'
import { startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { type Hands, hands } from '../helpers/hands.ts'
import { sideways } from '../helpers/sideways.ts'
import { until } from '../helpers/until.ts'
import { noXvnc, startXvnc, type TestScreen } from '../helpers/xvnc.ts'

interface Drawn {
  readonly width: number
  readonly height: number
  getContext(kind: '2d'): { getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray } }
}

describe('screens in the web page', { skip: noXvnc, timeout: 900_000 }, () => {
  let made: Hands
  let browser: TestBrowser
  let page: Page
  let screen: TestScreen
  const undos: (() => unknown)[] = []
  const problems: string[] = []

  before(async () => {
    const t = { after: (undo: () => unknown) => void undos.push(undo) }
    made = await hands(t as never, { may: ['screen:control'] })
    screen = await startXvnc(t, join(made.access.screens, 'kiosk.sock'), '640x360')
    screen.paint('#20c040', 360)
    browser = await startBrowser()
    page = await browser.page()
    page.setDefaultTimeout(120_000)
    page.on('pageerror', error => problems.push(error.message))
    page.on('console', message => {
      if (/Content.Security.Policy|Trusted ?Type/i.test(message.text())) problems.push(message.text())
    })
    await page.goto(made.open())
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  })
  after(async () => {
    await browser?.stop()
    for (const undo of undos.reverse()) await undo()
  })

  const go = (place: string) => page.goto(`${made.page.address}#/${place}`)
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const watchers = async () => {
    // It comes and goes with who watches.
    return await readFile(join(made.access.watched, 'kiosk'), 'utf8').catch(() => '')
  }
  /** The colour in the middle of the first canvas there, as `r,g,b`. */
  const colour = (selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate(found => {
        const { width, height, getContext } = found as unknown as Drawn
        const { data } = getContext.call(found, '2d').getImageData(width >> 2, height >> 2, 1, 1)
        return [...data].slice(0, 3).join()
      })
  const isGreen = (text: string) => {
    const [red = 0, green = 0, blue = 0] = text.split(',').map(Number)
    return Math.abs(red - 0x20) < 24 && Math.abs(green - 0xc0) < 24 && Math.abs(blue - 0x40) < 24
  }
  const pointer = async () =>
    /x:(\d+) y:(\d+)/
      .exec(await screen.ask('xdotool', 'getmouselocation'))
      ?.slice(1)
      .join()

  it('takes small pictures, once the keys are unlocked, and watches no longer', async () => {
    await go('screens')
    await page.getByText('No picture yet').waitFor()
    await button('Take pictures').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Unlock' }).click()
    await page.locator('canvas.taken').waitFor()
    await until(async () => isGreen(await colour('canvas.taken')), 'the picture')
    assert.equal(await page.locator('canvas.taken').getAttribute('width'), '320')
    await until(async () => (await watchers()) === '', 'the view to be over')
    assert.deepEqual(await accessibility(page), [])
  })

  it('shows the newest snapshot that the device has taken, asks for it once, and keeps it', async () => {
    await made.access.look({ kiosk: { everyMinutes: 10 } })
    await page.reload()
    await page.getByText('No picture yet').waitFor()
    await button('Read snapshots').click()
    const snapshot = page.getByRole('img', { name: 'Snapshot of device' })
    await snapshot.waitFor()
    await page
      .getByText('Snapshot: now')
      .or(page.getByText(/Snapshot: .+ ago/))
      .waitFor()
    assert.deepEqual(await accessibility(page), [])
    await page.reload()
    await snapshot.waitFor()
  })

  it('shows one live, and types nothing there without control', async () => {
    await screen.ask('xdotool', 'mousemove', '5', '5')
    await page.getByRole('main').getByRole('link', { name: 'device' }).click()
    await button('Watch').click()
    await page.getByText('What you type or point at does not get there').waitFor()
    await until(async () => isGreen(await colour('.screen canvas')), 'the screen')
    assert.equal(await watchers(), 'ada screen\n')
    screen.paint('#c02040', 360)
    await until(async () => /^1[89]/.test(await colour('.screen canvas')), 'the change')
    await page.locator('.screen canvas').click()
    // What the click sends is before what asks for this.
    screen.paint('#20c040', 360)
    await until(async () => isGreen(await colour('.screen canvas')), 'the screen after the click')
    assert.equal(await pointer(), '5,5')
    assert.deepEqual(await accessibility(page), [])
    await page.setViewportSize({ width: 320, height: 640 })
    assert.equal(await sideways(page), 0)
    await page.setViewportSize({ width: 1280, height: 720 })
    await button('End the view').click()
    await until(async () => (await watchers()) === '', 'the view to be over')
  })

  it('points there with control, where the grant allows it', async () => {
    await page.getByLabel('Type and point there too').check()
    await button('Watch').click()
    await page.getByText('gets to the device').waitFor()
    await until(async () => (await watchers()) === 'ada screen:control\n', 'the view with control')
    await page.locator('.screen canvas').click()
    await until(async () => (await pointer()) !== '5,5', 'the pointer to move')
  })

  it('ends with the grant, says so, and offers from then on what is still granted', async () => {
    await made.change([{ ...made.grant, may: ['screen'] }])
    await page.getByText('The view has ended').waitFor()
    await until(async () => (await watchers()) === '', 'the view to be over')
    // Control was chosen before, and must not be asked for any more.
    await page.getByLabel('Type and point there too').waitFor({ state: 'detached' })
    await button('Watch').click()
    await page.getByText('What you type or point at does not get there').waitFor()
    await until(async () => (await watchers()) === 'ada screen\n', 'the view without control')
    await made.change([])
    await page.getByText('No grant is for the screen of this device').first().waitFor()
    await until(async () => (await watchers()) === '', 'the view to be over')
    assert.deepEqual(problems, [])
  })
})
