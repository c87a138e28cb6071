/** Proposals of sharded releases in the page: one whose shards are missing says so, and is signed only when all of it is shown. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { queryProposals } from '../../controller/queries/proposals.ts'
import { proposalsText } from '../../controller/views/proposals.ts'
import type { Release } from '../../protocol/release/release.ts'
import { type SplitRelease, splitRelease } from '../../protocol/release/split-release.ts'
import { accessibility } from '../helpers/axe.ts'
import { startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { type ServedPage, servedPage } from '../helpers/served-page.ts'
import { sampleName, shardedSample } from '../helpers/sharded.ts'
import { acceptedAt, type TwoOperators, twoOperators } from '../helpers/two-operators.ts'

describe('a proposal of a sharded release in the page', () => {
  const undo: (() => Promise<void>)[] = []
  let served: ServedPage
  let browser: TestBrowser
  let page: Page
  let whole: Release
  let split: SplitRelease
  let operators: TwoOperators
  before(async () => {
    served = await servedPage({ after: end => void undo.push(end) }, { devices: 5 })
    const { controller, fleet } = served
    operators = await twoOperators(fleet.fleet, controller)
    const { propose } = operators
    const version = (acceptedAt(controller).trusted.targets?.signed.version ?? 0) + 1
    whole = { ...shardedSample(20), fleet: fleet.fleet.fleet, version }
    split = splitRelease(whole, 500)
    const { v: _v, fleet: _f, version: _n, created: _c, ...content } = split.plain
    await controller.proposals.book.add(propose({ content, message: 'in parts' }).proposal)
    browser = await startBrowser()
    undo.push(() => browser.stop())
    page = await opened('en-GB')
  })
  after(async () => {
    for (const end of undo.reverse()) await end()
  })

  async function opened(locale: string): Promise<Page> {
    const page = await browser.page({ locale })
    page.setDefaultTimeout(120_000)
    await page.goto(served.open())
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.goto(`${served.page.address}#/proposals`)
    return page
  }
  const approve = () => page.getByRole('button', { name: 'Approve …' })
  const came = async (documents: readonly Uint8Array[]) => {
    const { state } = served.controller
    for (const document of documents) await state.keepDocument(document)
    await state.takeShards()
  }
  const listed = async () => proposalsText(await queryProposals(served.session))

  it('says what did not come yet, in both languages, and can not be approved', async () => {
    await page.getByRole('row').filter({ hasText: 'in parts' }).getByText('shards are missing').waitFor()
    await page.getByRole('row').filter({ hasText: 'in parts' }).getByRole('link').first().click()
    await page.getByText('The list of its shards did not come yet').waitFor()
    await page.getByText('Nobody can approve it before all of it is shown').waitFor()
    assert.equal(await approve().isDisabled(), true)
    assert.deepEqual(await accessibility(page), [])
    assert.match(await listed(), /targets 1 of 2; its manifest did not come yet/)
    const german = await opened('de-DE')
    await german.getByRole('row').filter({ hasText: 'in parts' }).getByText('Teile fehlen').waitFor()
    await german.context().close()
  })

  it('counts what is missing as it comes, and is shown whole and approved when all is there', async () => {
    const [manifest = new Uint8Array(), ...shards] = split.documents
    await came([manifest, ...shards.slice(1, 3)])
    const missing = `${shards.length - 2} of its ${shards.length} shards did not come yet`
    await page.getByText(missing).waitFor()
    assert.equal(await approve().isDisabled(), true)
    assert.ok((await listed()).includes(missing), await listed())
    await came(shards)
    const covered = page.getByRole('region', { name: 'What a signature covers' })
    await covered.getByText(sampleName(7)).first().waitFor()
    assert.equal(await page.getByText('did not come yet').count(), 0)
    await page.getByRole('button', { name: 'Approve …', disabled: false }).waitFor()
    assert.doesNotMatch(await listed(), /shards/)
  })

  it('says what is wrong with it, and can not be approved', async () => {
    const { controller } = served
    const { propose } = operators
    const { v: _v, fleet: _f, version: _n, created: _c, ...content } = split.plain
    const beside = { configs: whole.configs, devices: { [sampleName(3)]: { config: 'kiosk' } } }
    await controller.proposals.book.add(propose({ content: { ...content, ...beside }, message: 'beside' }).proposal)
    await page.goto(`${served.page.address}#/proposals`)
    await page.getByRole('row').filter({ hasText: 'beside' }).getByText('shards are wrong').waitFor()
    await page.getByRole('row').filter({ hasText: 'beside' }).getByRole('link').first().click()
    await page.getByRole('alert').getByText('Its shards contradict').waitFor()
    await page.getByText('names devices in its shards alone').waitFor()
    assert.equal(await approve().isDisabled(), true)
    assert.match(await listed(), /wrong-manifest: expected a release of the fleet/)
  })
})
