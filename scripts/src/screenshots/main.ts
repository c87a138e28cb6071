/** Takes the pictures of docs/images. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { startBrowser } from '../../../test/helpers/browser.ts'
import { argumentsOf } from '../arguments.ts'
import { PicturedFleet } from './fleet.ts'

/** Each view by the name of its picture; what is there when it is complete. */
const views: readonly { name: string; place: string; shows: string }[] = [
  { name: 'overview', place: '', shows: 'Wave 2' },
  { name: 'devices', place: 'devices', shows: 'sign-market' },
  { name: 'device', place: 'devices/sign-terminal-a', shows: 'canary' },
  { name: 'release', place: 'releases/3', shows: 'Wave 2' },
  { name: 'metrics', place: 'devices/kiosk-harbour-1/metrics?range=hour', shows: 'Memory' },
]
/** So that the smallest words stay sharp. */
const quality = 90
const themes = ['light', 'dark'] as const

const { into } = argumentsOf('screenshots', {
  options: { into: { type: 'string', default: resolve(import.meta.dirname, '../../../docs/images') } },
}).values
await mkdir(into, { recursive: true })
process.stdout.write('A fleet of eight devices is being made …\n')
const fleet = await PicturedFleet.make()
const browser = await startBrowser()
try {
  for (const colorScheme of themes) {
    const page = await browser.page({ colorScheme, deviceScaleFactor: 1.5, viewport: { width: 1200, height: 760 } })
    const camera = await page.context().newCDPSession(page)
    await page.goto(await fleet.open())
    await page.getByRole('heading', { level: 1 }).waitFor()
    for (const { name, place, shows } of views) {
      await page.goto(`${fleet.address}#/${place}`)
      await page.getByText(shows).first().waitFor()
      await page.getByText('Loading …').first().waitFor({ state: 'detached' })
      const path = join(into, `web-${name}-${colorScheme}.webp`)
      // A third of a PNG: each of them stays in the history of the repository.
      const { data } = await camera.send('Page.captureScreenshot', { format: 'webp', quality })
      await writeFile(path, Buffer.from(data, 'base64'))
      process.stdout.write(`${path}\n`)
    }
    await page.context().close()
  }
} finally {
  await browser.stop()
  await fleet.remove()
}
