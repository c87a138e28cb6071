/** Steps of the test of views: the columns that a person chooses, what devices say on a German page, and a clock that is wrong. */

import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

/** By keys alone; kept over a reload, until the usual ones are wished for again. */
export async function columnsStep(page: Page, address: string): Promise<void> {
  const column = (name: string) => page.getByRole('columnheader', { name, exact: true })
  await page.goto(`${address}#/devices`)
  const open = page.getByRole('button', { name: 'Columns …', exact: true })
  await open.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Daemon').focus()
  await page.keyboard.press('Space')
  await dialog.getByLabel('Site').focus()
  await page.keyboard.press('Space')
  await page.keyboard.press('Escape')
  await open.and(page.locator(':focus')).waitFor()
  await page.reload()
  await column('Daemon').waitFor()
  assert.equal(await column('Site').count(), 0)
  // Nothing that was chosen is left out where there is little room.
  await page.setViewportSize({ width: 320, height: 640 })
  // Rows have two lines then, and the headings are there without being seen.
  await column('Daemon').waitFor({ state: 'hidden' })
  const hidden = page.getByRole('columnheader', { name: 'Daemon', exact: true, includeHidden: true })
  assert.equal(await hidden.count(), 1)
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.goto(`${address}#/settings`)
  await page.getByRole('button', { name: 'The usual ones' }).click()
  await page.goto(`${address}#/devices`)
  await column('Site').waitFor()
  assert.equal(await column('Daemon').count(), 0)
}

/** `opened` gives a page of its own, which runs this script first. */
export async function clockStep(opened: (script: string) => Promise<Page>): Promise<void> {
  // A shared worker would have the right time.
  const page = await opened(`
    delete window.SharedWorker
    Date = class extends Date {
      constructor(...given) { super(...(given.length === 0 ? [Date.now()] : given)) }
      static now() { return super.now() + 366 * 86_400_000 }
    }`)
  await page.getByText('The clock of this computer is 366 days ahead of that of the controller').waitFor()
  await page.context().close()
}

/** The device has failed its update with `health-failed` and said `words`. */
export async function germanStep(page: Page, place: string, words: string): Promise<void> {
  const speak = async (language: string) => {
    await page.evaluate(language => localStorage.setItem('thymesh.language', language), language)
    await page.reload()
    await page.getByRole('heading', { level: 1 }).waitFor()
  }
  await page.goto(place)
  await speak('de')
  const alert = page.getByRole('alert').filter({ hasText: 'Nach dem Wechsel schlugen Prüfungen fehl' })
  await alert.getByText(words).waitFor()
  const why = page.getByRole('region', { name: 'Warum' })
  await why.getByText('gescheitert und ist zu dem zurückgegangen, was vorher lief').waitFor()
  await why.getByText('Im Wortlaut, auf Englisch').click()
  await why.getByText('and went back to what ran before').waitFor()
  await speak('en')
  await page.getByRole('alert').filter({ hasText: words }).waitFor()
}
