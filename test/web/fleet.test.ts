/** The web page on a real fleet: processes, a project, sealed keys, and a person's clicks and keys in a real browser. */

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import type { Device } from '../e2e/helpers/device.ts'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { Daemon, freePort, until } from '../e2e/helpers/processes.ts'
import { hello } from '../e2e/helpers/project.ts'
import { accessibility } from '../helpers/axe.ts'
import { fits, startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { nixSkip } from '../nix/workshop.ts'
import { alertsStep, lifeStep } from './fleet-steps.ts'

const passphrase = 'correct horse battery'

describe('the web page of a fleet', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let browser: TestBrowser
  let page: Page
  let port: number
  let controller: Daemon
  const devices: Device[] = []

  before(async () => {
    fleet = await Fleet.prepare()
    port = await freePort()
    const file = join(fleet.directory, 'passphrase')
    await writeFile(file, passphrase, { mode: 0o600 })
    await mkdir(fleet.project, { recursive: true })
    const place = ['--listen', fleet.address, '--bootstrap', fleet.address, '--no-mdns', '--store', fleet.store]
    await fleet.json('init', '.', '--name', 'trial', '--passphrase-file', file, ...place)
    await fleet.commit('Version 1', {
      'configs/hello.json': hello('version 1'),
      'tags/canary.json': {},
      'devices/first.json': { config: 'hello', tags: ['canary'] },
      'devices/second.json': { config: 'hello' },
    })
    for (const name of ['first', 'second']) devices.push(await fleet.device(name))
    const bootstrap = devices.flatMap(({ address }) => ['--bootstrap', address])
    const token = await fleet.token(...bootstrap, '--passphrase-file', file)
    for (const device of devices) device.start(token)
    browser = await startBrowser()
    // The members key signs for the devices that have come.
    await fleet.json('status', '--wait', '5', '--passphrase-file', file)
    controller = serve()
    page = await browser.page()
    page.setDefaultTimeout(120_000)
    await page.goto(await opened())
  })
  after(async () => {
    await browser?.stop()
    if (controller?.running) await controller.end()
    await fleet.remove()
  })

  function serve(): Daemon {
    const args = ['--print', '--port', String(port), '-p', fleet.project]
    const options = { cwd: fleet.directory, env: fleet.env, logFile: join(fleet.directory, 'web.log') }
    return new Daemon(args, { ...options, command: 'web' })
  }
  /** The address that the running controller prints. */
  async function opened(): Promise<string> {
    const url = async () => /http:\/\/127\.0\.0\.1:\d+\/#code=\S+/.exec(await controller.log())?.[0]
    return await until('the address of the page', url, { explain: () => controller.log() })
  }
  const heading = (name: string | RegExp) => page.getByRole('heading', { name, level: 1 })
  const open = async (name: string) =>
    await page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name, exact: true }).click()
  const dialog = () => page.getByRole('dialog')
  /** The row of a device, with a word of its state. */
  const row = (name: string, state: string | RegExp) =>
    page.getByRole('row').filter({ hasText: name }).filter({ hasText: state })

  it('lets a browser in by its code, and shows the devices that have joined', async () => {
    await heading('Overview').waitFor()
    assert.equal(new URL(page.url()).hash, '#/')
    await open('Devices')
    await row('first', 'waits for a release').waitFor()
    await row('second', 'waits for a release').waitFor()
  })

  it('deploys after the passphrase, and shows it reach the devices', async () => {
    await open('Releases')
    await page.getByRole('button', { name: 'Deploy …' }).click()
    await dialog().getByLabel('Message').fill('version one')
    await dialog().getByText("thymesh deploy -m 'version one'").waitFor()
    await dialog().getByRole('button', { name: 'Deploy', exact: true }).click()
    await dialog().getByLabel('Passphrase').fill('not this one')
    await dialog().getByRole('button', { name: 'Unlock' }).click()
    await dialog().getByRole('alert').getByText('This passphrase does not open your keys').waitFor()
    assert.match(await controller.log(), /^(?!.*not this one)/s)
    await dialog().getByLabel('Passphrase').fill(passphrase)
    await dialog().getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('link', { name: 'Show the task' }).click()
    await heading('Deploy').waitFor()
    await page
      .getByRole('link', { name: 'Release 2' })
      .or(page.getByRole('link', { name: 'Release 1' }))
      .first()
      .waitFor({ timeout: 240_000 })
    await open('Devices')
    await row('first', 'running').waitFor({ timeout: 240_000 })
    await row('second', 'running').waitFor({ timeout: 240_000 })
    assert.equal(await devices[1]?.etc('hello'), 'version 1\n')
  })

  it('shows a rollout in waves, and promotes the one that waits', async () => {
    await fleet.commit('Version 2', {
      'configs/hello.json': hello('version 2'),
      'rollout.json': { waves: [{ tag: 'canary' }], soakSeconds: 3600 },
    })
    await open('Releases')
    await page.getByRole('button', { name: 'Deploy …' }).click()
    await dialog().getByRole('button', { name: 'Deploy', exact: true }).click()
    await open('Overview')
    await page.getByText('Wave 1', { exact: true }).waitFor({ timeout: 240_000 })
    await page
      .getByRole('listitem')
      .filter({ hasText: 'Wave 1' })
      .getByText('confirmed', { exact: true })
      .waitFor({ timeout: 240_000 })
    await page.getByRole('listitem').filter({ hasText: 'Wave 2' }).getByText('waits', { exact: true }).waitFor()
    assert.equal(await devices[1]?.etc('hello'), 'version 1\n')
    await open('Releases')
    await page.getByRole('row').filter({ hasText: 'in force' }).getByRole('link').click()
    await page.getByRole('button', { name: 'Promote …' }).click()
    await dialog().getByRole('button', { name: 'Promote', exact: true }).click()
    await until('the second device to run version 2', async () => (await devices[1]?.etc('hello')) === 'version 2\n')
  })

  it('rolls one device back from its own page, and then shows its history', async () => {
    await open('Devices')
    await page.getByRole('link', { name: 'second', exact: true }).click()
    await heading('second').waitFor()
    await page.getByRole('button', { name: 'Roll back …' }).click()
    await dialog()
      .getByLabel('Back to')
      .selectOption({ label: await oldest() })
    await dialog().getByRole('button', { name: 'Roll back', exact: true }).click()
    await until('the second device to run version 1', async () => (await devices[1]?.etc('hello')) === 'version 1\n')
    assert.equal(await devices[0]?.etc('hello'), 'version 2\n')
    await page.getByRole('link', { name: 'History' }).click()
    await page.getByRole('table', { name: 'History' }).getByRole('row').nth(3).waitFor()
  })
  async function oldest(): Promise<string> {
    const option = dialog().getByLabel('Back to').locator('option').filter({ hasText: 'version one' }).last()
    await option.waitFor({ state: 'attached' })
    return (await option.textContent())?.trim() ?? ''
  }

  it('shows a wave that a failure holds, with why and what to do', async () => {
    const [canary] = devices
    assert.ok(canary)
    await mkdir(join(canary.root, 'etc'), { recursive: true })
    await writeFile(join(canary.root, 'etc/board'), 'made by hand\n')
    await fleet.commit('Version 3', {
      'configs/hello.json': hello('version 3', { board: {} }),
      'modules/board.nix': `{ portable = _: { etc."board".text = "departures"; }; }`,
      'alerts.json': {
        channels: { siren: { exec: 'siren', by: { tags: ['canary'] } } },
        rules: [
          { name: 'update-failed', when: { state: 'rolled-back' }, notify: ['siren'] },
          { name: 'rollout-held', when: { held: true }, severity: 'critical', notify: ['siren'] },
        ],
      },
    })
    await open('Releases')
    await page.getByRole('button', { name: 'Deploy …' }).click()
    await dialog().getByRole('button', { name: 'Deploy', exact: true }).click()
    await open('Overview')
    await page.getByText('The rollout is held at wave 1').waitFor({ timeout: 240_000 })
    await open('Devices')
    await page.getByRole('link', { name: 'first', exact: true }).click()
    await page.getByRole('region', { name: 'Why' }).getByText('It does not run what it should').waitFor()
    await page
      .getByText(/board is in the way/)
      .first()
      .waitFor()
  })

  it('lists its alerts, looks after one, and silences the other for a time', () => alertsStep({ page, fleet }))

  it('rolls all of it back', async () => {
    const [canary] = devices
    await open('Releases')
    await page.getByRole('button', { name: 'Roll back …' }).click()
    await dialog().getByRole('button', { name: 'Roll back', exact: true }).click()
    await open('Overview')
    await page.getByText('The rollout is held at wave 1').waitFor({ state: 'detached', timeout: 240_000 })
    assert.equal(await canary?.etc('hello'), 'version 2\n')
  })

  it('makes a join token with a limit, shown once with a QR code, and revokes it', async () => {
    await open('Join tokens')
    await page.getByRole('button', { name: 'New token …' }).click()
    await dialog().getByLabel('For names').fill('sign-*')
    await dialog().getByLabel('Devices').fill('3')
    await dialog().getByText("thymesh token --names 'sign-*' --uses 3").waitFor()
    await dialog().getByRole('button', { name: 'Make token' }).click()
    // Whoever is let in is asked for anew.
    await dialog().getByLabel('Passphrase').last().fill(passphrase)
    await page.keyboard.press('Enter')
    await dialog().getByRole('img', { name: 'The token as a QR code' }).waitFor()
    const token = await dialog().getByLabel('Token', { exact: true }).inputValue()
    assert.ok(token.length > 200)
    await dialog().getByText(`thymesh join --name NAME ${token}`).waitFor()
    assert.deepEqual(await accessibility(page), [])
    await dialog().getByRole('button', { name: 'I have it' }).click()
    await dialog().waitFor({ state: 'detached' })
    assert.doesNotMatch(await page.content(), new RegExp(token.slice(0, 40)))
    assert.doesNotMatch(await controller.log(), new RegExp(token.slice(0, 40)))
    const made = page.getByRole('row').filter({ hasText: 'sign-*' })
    await made.getByText('0 of 3').waitFor()
    await made.getByRole('button', { name: 'Revoke …' }).click()
    await dialog().getByRole('button', { name: 'Revoke', exact: true }).click()
    await dialog().getByLabel('Passphrase').fill(passphrase)
    await page.keyboard.press('Enter')
    await made.getByText('revoked').waitFor()
  })

  it('draws what a device measures, and reads exact values by keys', async () => {
    await page.goto(`http://127.0.0.1:${port}/#/devices/first/metrics`)
    const chart = page.getByRole('slider', { name: 'Memory', exact: true })
    // A device writes its first row after a minute.
    await until(
      'the first measurement',
      async () => {
        await page.getByRole('button', { name: 'Hour' }).click()
        await page.getByRole('button', { name: 'Day' }).click()
        return await chart.isVisible()
      },
      { limitMs: 180_000, everyMs: 5_000 },
    )
    await chart.focus()
    await page.keyboard.press('End')
    assert.match((await chart.getAttribute('aria-valuetext')) ?? '', /: (?:[\d.]+ %|Nothing was measured)/)
    await page.getByText('As a table').click()
    await page.getByRole('combobox', { name: 'Series' }).selectOption('Memory')
    await page
      .getByRole('table', { name: 'Memory', exact: true })
      .getByText(/[\d.]+ %/)
      .first()
      .waitFor()
    await open('Metrics')
    await page.getByRole('row').filter({ hasText: 'first' }).getByText(/%/).first().waitFor()
  })

  it('shows what is new in a release, and what it costs each site', async () => {
    await page.goto(`http://127.0.0.1:${port}/#/releases/3/packages`)
    await page.getByRole('heading', { name: 'hello', level: 2 }).waitFor()
    await page.getByRole('link', { name: 'What it costs' }).click()
    await page.getByRole('table', { name: 'What it costs' }).getByText('without a site').waitFor()
  })

  it('can be used by keys alone', async () => {
    await open('Devices')
    await heading('Devices').waitFor()
    await page.locator('body').press('Tab')
    const focused = () => page.evaluate<string>("document.activeElement?.textContent.trim() ?? ''")
    const tabTo = async (text: string) => {
      for (let tries = 0; tries < 40; tries++) {
        if ((await focused()).startsWith(text)) return
        await page.keyboard.press('Tab')
      }
      assert.fail(`Tab never came to ${text}, but to ${await focused()}`)
    }
    await tabTo('first')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Space')
    await page.getByText('1 selected').waitFor()
    await page.keyboard.press('Enter')
    await heading('second').waitFor()
    await page.goBack()
    await heading('Devices').waitFor()
  })

  it('has no serious finding of axe-core, in both themes and at 320 px', async () => {
    const release = (await page.locator('a[href^="#/releases"]').first().getAttribute('href')) ?? '#/releases'
    const places = [
      '#/',
      '#/devices',
      '#/devices/first',
      '#/devices/first/metrics',
      '#/devices/first/history',
      '#/devices/first/logs',
      '#/devices/first/identity',
      '#/devices/first/manage',
    ]
    for (const place of [
      ...places,
      release,
      '#/proposals',
      '#/tasks',
      '#/mesh',
      '#/members',
      '#/tokens',
      '#/audit',
      '#/devices/nobody',
      '#/nowhere',
    ]) {
      await page.goto(`http://127.0.0.1:${port}/${place}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        assert.deepEqual(await accessibility(page), [], `${place} ${colorScheme}`)
      }
      await page.setViewportSize({ width: 320, height: 640 })
      await fits(page, place)
      assert.deepEqual(await accessibility(page), [], `${place} narrow`)
      await page.setViewportSize({ width: 1280, height: 800 })
    }
    await page.emulateMedia({ colorScheme: 'light' })
  })

  it('speaks German', async () => {
    await page.getByRole('contentinfo').getByLabel('Language').selectOption('Deutsch')
    await page.getByRole('navigation', { name: 'Menü' }).getByRole('link', { name: 'Geräte', exact: true }).click()
    await heading('Geräte').waitFor()
    await page.reload()
    await heading('Geräte').waitFor()
    await page.getByRole('contentinfo').getByLabel('Sprache').selectOption('English')
  })

  it('gives a device another name and site, and retires it', () =>
    lifeStep({ page, fleet, address: `http://127.0.0.1:${port}/`, passphrase }))

  it('says so when the controller is away, and goes on when it is back', async () => {
    await open('Devices')
    await row('first', /\brunning/).waitFor()
    assert.equal(await controller.end(), 0)
    await page.getByText('The controller does not answer').waitFor()
    // Nothing is claimed any more.
    await row('first', 'was running').waitFor()
    controller = serve()
    await page.getByText('Live').waitFor({ timeout: 240_000 })
    await page.getByText('The controller was started anew').waitFor()
    await row('first', /(?<!was )running/).waitFor()
    // The keys are locked again.
    await page.getByRole('button', { name: 'Read-only' }).waitFor()
    const { sessions } = await fleet.json<{ sessions: { id: string }[] }>('web', 'sessions')
    assert.equal(sessions.length, 1)
    await fleet.json('web', 'end', sessions[0]?.id ?? '')
    await page.getByRole('heading', { name: 'This browser is not signed in' }).waitFor()
  })
})
