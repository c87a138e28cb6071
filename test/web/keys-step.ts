/** A step of the test of views: everything by keys alone, with a focus that is seen and comes back. */

import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

/** What has the focus and no outline; nothing where it has one. */
const unseenFocus =
  "(at => at === document.body || getComputedStyle(at).outlineStyle !== 'none' ? '' : at.outerHTML)(document.activeElement)"

export async function keysStep(page: Page, address: string): Promise<void> {
  const heading = (name: string) => page.getByRole('heading', { name, level: 1 })
  const go = (place: string) => page.goto(`${address}#/${place}`)
  const focused = (selector: string) => page.locator(`${selector}:focus`).waitFor()
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  await go('')
  await page.reload()
  await heading('Overview').waitFor()
  await page.keyboard.press('Tab')
  await focused('.skip')
  await page.keyboard.press('Enter')
  await focused('#content')
  for (const [place, name, field] of [
    ['releases', 'Deploy …', 'input'],
    ['tokens', 'New token …', 'input'],
    ['access', 'Grant access …', 'input'],
    ['root', 'Change …', 'textarea'],
    // Where something is taken away, a second Enter leaves it.
    ['devices/kiosk-00007', 'Revoke …', 'footer button:first-child'],
  ] as const) {
    await go(place)
    await button(name).focus()
    await page.keyboard.press('Enter')
    await focused(`dialog ${field}`)
    await page.keyboard.press(place.startsWith('devices') ? 'Enter' : 'Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await button(name).and(page.locator(':focus')).waitFor()
  }
  // Whatever Tab comes to is seen to have the focus.
  for (let stops = 0; stops < 30; stops++) {
    await page.keyboard.press('Tab')
    const unseen = await page.evaluate<string>(unseenFocus)
    assert.equal(unseen, '')
  }
  // A row that the filter has left is no way into the list.
  await go('devices')
  await page.getByRole('row').nth(1).focus()
  await page.keyboard.press('End')
  await page.getByRole('row').filter({ hasText: 'kiosk-00044' }).and(page.locator(':focus')).waitFor()
  await page.getByLabel('Search devices').fill('kiosk-00003')
  await page.getByText('1 of 45 devices').waitFor()
  await page.getByRole('row').filter({ hasText: 'kiosk-00003' }).and(page.locator('[tabindex="0"]')).focus()
  await page.keyboard.press('Enter')
  await heading('kiosk-00003').waitFor()
  // The row is gone with its view.
  await focused('#content')
  await page.setViewportSize({ width: 320, height: 640 })
  const menu = button('Menu')
  await menu.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Menu' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Escape')
  await menu.and(page.locator(':focus[aria-expanded="false"]')).waitFor()
  await page.setViewportSize({ width: 1280, height: 800 })
}
