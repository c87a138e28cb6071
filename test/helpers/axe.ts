/** The rules of accessibility (axe-core) on a page: what is found of the two worst kinds. */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

interface Finding {
  readonly id: string
  readonly impact: string | null
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

const file = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Serious and critical findings, each in one line. Evaluated as the debugger does: the page's policy forbids foreign scripts. */
export async function accessibility(page: Page): Promise<string[]> {
  const known = await page.evaluate(() => 'axe' in globalThis)
  if (!known) {
    const session = await page.context().newCDPSession(page)
    const expression = `(() => { ${await readFile(file, 'utf8')} })()`
    await session.send('Runtime.evaluate', { expression, allowUnsafeEvalBlockedByCSP: true })
    await session.detach()
  }
  const findings = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } }
    return (await axe.run()).violations
  })
  return findings
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary = '' }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    )
}
