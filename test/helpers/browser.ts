/** Debian's Chromium for tests of the web page: one for a file of tests, with a fresh profile for each page. */

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { sideways } from './sideways.ts'
import { until } from './until.ts'

/** Of each wait, Chromium's own start among them, on a loaded machine. */
const patienceMs = 120_000

export interface TestBrowser {
  /** A page of a profile of its own. */
  page(options?: BrowserContextOptions): Promise<Page>
  readonly browser: Browser
  stop(): Promise<void>
}

/** `hosts` are names that lead to this machine, as a hostile name server would say. `program` starts Chromium otherwise. */
export async function startBrowser(
  hosts: readonly string[] = [],
  program = process.env.CHROMIUM ?? '/usr/bin/chromium',
): Promise<TestBrowser> {
  const rules = hosts.map(host => `MAP ${host} 127.0.0.1`).join(',')
  const browser = await chromium.launch({
    executablePath: program,
    timeout: patienceMs,
    // Root, as in a container, has no sandbox of Chromium's; what the tests load is ours.
    args: ['--no-sandbox', '--disable-gpu', ...(rules === '' ? [] : [`--host-resolver-rules=${rules}`])],
  })
  return {
    browser,
    page: async (options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options })
      context.setDefaultTimeout(patienceMs)
      return await context.newPage()
    },
    stop: () => browser.close(),
  }
}

/** Waits until it is there in a view that asks a device when somebody says so, and says so. */
export async function readUntil(page: Page, what: string, isHere: () => Promise<boolean>): Promise<void> {
  const again = page.getByRole('button', { name: 'Read again', exact: true }).first()
  await until(async () => {
    if (await isHere()) return true
    // It may be busy, or gone with what there was to read.
    await again.click({ timeout: 1_000 }).catch(() => {})
    return false
  }, what)
}

/** Waits until nothing is beyond the window's edge: tables and charts learn their width a frame after the window's. */
export async function fits(page: Page, place: string): Promise<void> {
  await until(async () => (await sideways(page)) === 0, `${place} to be no wider than its window`)
}

/** What a page does wrong goes to `problems`: an error, or anything that its rules forbid. Refused requests are part of the tests. */
export function watchProblems(page: Page, problems: string[]): void {
  page.on('pageerror', error => problems.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      problems.push(message.text())
  })
}
