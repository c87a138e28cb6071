/** A second operator in the page, by keys alone: sees what the first one proposes, compares it, and gives the missing signature. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { sshFingerprint } from '../../protocol/release/ssh-key.ts'
import type { Device } from '../e2e/helpers/device.ts'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { Daemon, freePort, runThymesh, until } from '../e2e/helpers/processes.ts'
import { hello } from '../e2e/helpers/project.ts'
import { makeSshKey } from '../helpers/access.ts'
import { accessibility } from '../helpers/axe.ts'
import { startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { nixSkip } from '../nix/workshop.ts'

const passphrase = 'five random words are enough'

describe('a second operator in the web page', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let device: Device
  let browser: TestBrowser
  let page: Page
  let first: Daemon
  let second: Daemon
  let asBen: (...args: string[]) => ReturnType<typeof runThymesh>

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    device = await fleet.device('first')
    device.start(await fleet.token('--bootstrap', device.address))
    await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1') })
    const made = await fleet.runWith({ limitMs: 300_000 }, 'deploy', '-m', 'version 1', '--timeout', '240', '--json')
    assert.equal(made.code, 0, made.stdout + made.stderr)
    const project = JSON.parse((await fleet.git('show', 'HEAD:thymesh.json')).trim())
    await fleet.commit('Where the mesh is', { 'thymesh.json': { ...project, bootstrap: [device.address] } })
    const env = { ...fleet.env, THYMESH_HOME: join(fleet.directory, 'ben') }
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`, '--no-mdns']
    const key = await runThymesh(['key', 'new', '--operator', 'ben', ...listen, '--json'], {
      cwd: fleet.project,
      env: { ...env, THYMESH_PASSPHRASE: passphrase },
    })
    assert.equal(key.code, 0, key.stderr)
    const { card } = JSON.parse(key.stdout) as { card: string }
    await fleet.json('root', 'propose', '--add', card, '--yes')
    await fleet.json('root', 'propose', '--threshold', 'targets=2', '--yes')
    asBen = (...args) =>
      runThymesh([...args, '--json'], { cwd: fleet.project, env: { ...env, THYMESH_PASSPHRASE: passphrase } })
    const raised = await asBen('approve', 'root-3', '--yes', '--news', '120')
    assert.equal(raised.code, 0, raised.stdout + raised.stderr)
    // A deploy waits only seconds for news, and would do with one signature before.
    await until('the first operator to hear of the root', async () => {
      await fleet.json('status', '--wait', '60')
      if ((await fleet.json<{ version: number }>('root', 'show')).version === 3) return true
      // The second one may have left before the device had it.
      await asBen('status', '--wait', '60')
      return false
    })
    await fleet.commit('Version 2', { 'configs/hello.json': hello('version 2') })
    const proposed = await fleet.json<{ complete: boolean }>('deploy', '-m', 'version 2', '--no-wait')
    assert.equal(proposed.complete, false)
    // The first operator's controller has what the device will fetch.
    const log = (name: string) => join(fleet.directory, `${name}.log`)
    first = new Daemon(['-p', fleet.project], {
      ...{ cwd: fleet.directory, env: fleet.env, logFile: log('first'), command: 'serve' },
    })
    second = new Daemon(['--print', '--port', String(await freePort()), '-p', fleet.project], {
      ...{ cwd: fleet.directory, env, logFile: log('second'), command: 'web' },
    })
    browser = await startBrowser()
    page = await browser.page()
    page.setDefaultTimeout(120_000)
    const url = async () => /http:\/\/127\.0\.0\.1:\d+\/#code=\S+/.exec(await second.log())?.[0]
    await page.goto(await until('the address of the page', url, { explain: () => second.log() }))
  })
  after(async () => {
    await browser?.stop()
    for (const each of [first, second]) if (each?.running) await each.end()
    await fleet.remove()
  })

  /** How often the page has asked for the fleet since a moment, and when it gets answers. */
  let asked = 0
  const answered = Promise.withResolvers<void>()
  const heading = (name: string | RegExp) => page.getByRole('heading', { name, level: 1 })
  const dialog = () => page.getByRole('dialog')
  const focused = () => page.evaluate<string>("document.activeElement?.textContent.trim() ?? ''")
  async function tabTo(text: string): Promise<void> {
    for (let tries = 0; tries < 80; tries++) {
      if ((await focused()).startsWith(text)) return
      await page.keyboard.press('Tab')
    }
    assert.fail(`Tab never came to ${text}, but to ${await focused()}`)
  }

  it('is told of the proposal, and opens it', async () => {
    await heading('Overview').waitFor()
    await page
      .getByRole('main')
      .getByRole('link', { name: /proposal/ })
      .waitFor()
    await tabTo('1 proposal')
    await page.keyboard.press('Enter')
    await heading('Proposals').waitFor()
    await page.getByRole('row').filter({ hasText: 'lacks signatures' }).waitFor()
    await tabTo('Release')
    await page.keyboard.press('Enter')
    await page.getByRole('region', { name: 'What a signature covers' }).getByText('hello').first().waitFor()
    assert.equal(await device.etc('hello'), 'version 1\n')
  })

  it('approves it with the passphrase, and the device runs it', async () => {
    // With the new release the page reads the fleet again: here until the next proposal has come, which it must not miss.
    await page.route('**/v1/status', async route => {
      asked += 1
      await answered.promise
      await route.continue().catch(() => {})
    })
    await tabTo('Approve …')
    await page.keyboard.press('Enter')
    await dialog().getByText('Sign this proposal?').waitFor()
    await page.keyboard.press('Tab')
    await tabTo('Approve')
    await page.keyboard.press('Enter')
    await dialog().locator('input[type=password]:focus').waitFor()
    await page.keyboard.type(passphrase)
    await page.keyboard.press('Enter')
    const runs = async () => (await device.etc('hello')) === 'version 2\n'
    await until('the device to run version 2', runs, { explain: () => second.log() })
  })

  it('is shown whom a grant of access lets in before it is signed', async () => {
    const key = makeSshKey(join(fleet.directory, 'eve'))
    await until('the page to read the fleet again', () => asked > 0)
    await fleet.json('access', 'grant', 'eve', '--key', key, '--device', 'first', '--until', '8h')
    const here = async () => /access for eve/.test((await asBen('proposals')).stdout)
    await until('the proposal to reach the second operator', here, { explain: () => second.log() })
    answered.resolve()
    await page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Proposals', exact: true }).click()
    await page.getByRole('row').filter({ hasText: 'access for eve' }).getByRole('link').first().click()
    const covered = page.getByRole('region', { name: 'What a signature covers' })
    await covered
      .getByText(/access BEGINS: grant eve-1 for eve/)
      .first()
      .waitFor()
    await covered.getByText(sshFingerprint(key)).first().waitFor()
    await covered
      .getByText(/may: open a shell; run any command/)
      .first()
      .waitFor()
  })

  it('shows who signed it', async () => {
    await page.keyboard.press('Control+k')
    // By the keyboard alone, once the field has the focus.
    await page.locator('input[role=combobox]:focus').waitFor()
    await page.keyboard.type('version 2')
    await page.getByRole('option', { name: /version 2/ }).waitFor()
    await page.keyboard.press('Enter')
    await heading(/^Release \d+$/).waitFor()
    await page.getByText(/ben/).first().waitFor()
  })

  it('says to an operator whom a new root leaves out that nothing of his counts any more', async () => {
    await page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Operators' }).click()
    await page
      .getByRole('table', { name: 'Roles' })
      .getByText(/, ben$/)
      .first()
      .waitFor()
    // Nobody signs two proposals of one version.
    const { proposals } = await fleet.json<{ proposals: { id: string; complete: boolean }[] }>('proposals')
    for (const { id, complete } of proposals) if (!complete) await fleet.json('reject', id)
    await fleet.json('root', 'propose', '--remove', 'ben', '--threshold', 'targets=1', '--yes')
    await page.getByRole('alert').getByText('You are no operator of this fleet any more').waitFor()
    assert.deepEqual(await accessibility(page), [])
    // The operator who stays and the device talk to him no more, so he may never get the root that says it.
    await page.getByRole('contentinfo').getByText('No peer in reach').waitFor()
  })
})
