/** Whether a view of the web page is wider than its window, so that one would have to scroll sideways. */

import type { Page } from 'playwright-core'

/** By so many pixels, 0 for not at all: the document, and what scrolls within it as a whole. */
export async function sideways(page: Page): Promise<number> {
  return await page.evaluate<number>(
    "Math.max(0, ...[document.documentElement, document.querySelector('main')].map(each => each === null ? 0 : each.scrollWidth - each.clientWidth))",
  )
}
