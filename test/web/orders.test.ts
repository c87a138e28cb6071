/** What the page orders beside releases, on one fleet with one device: access, the name of a site, builds, imports, notes, the root. */

import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import type { Device } from '../e2e/helpers/device.ts'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { Daemon, freePort, until } from '../e2e/helpers/processes.ts'
import { hello } from '../e2e/helpers/project.ts'
import { makeSshKey } from '../helpers/access.ts'
import { accessibility } from '../helpers/axe.ts'
import { fits, readUntil, startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { nixSkip } from '../nix/workshop.ts'

const thymis = join(import.meta.dirname, '../../examples/migrate/thymis')

describe('orders in the web page', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let device: Device
  let browser: TestBrowser
  let page: Page
  let port: number
  let controller: Daemon
  let key: string

  before(async () => {
    fleet = await Fleet.prepare()
    await fleet.found()
    await fleet.commit('A pier', {
      'configs/hello.json': hello('version 1'),
      'devices/first.json': undefined,
      'devices/pier.json': { config: 'hello', site: 'harbour' },
    })
    await mkdir(join(fleet.directory, '.ssh'), { mode: 0o700 })
    key = makeSshKey(join(fleet.directory, '.ssh/id_ed25519'))
    device = await fleet.device('pier')
    device.start(await fleet.token('--site', 'harbour', '--bootstrap', device.address))
    await fleet.json('deploy', '-m', 'version 1', '--no-wait')
    port = await freePort()
    controller = new Daemon(['--print', '--port', String(port), '-p', fleet.project], {
      ...{ cwd: fleet.directory, env: fleet.env, logFile: join(fleet.directory, 'web.log'), command: 'web' },
    })
    const url = async () => /http:\/\/127\.0\.0\.1:\d+\/#code=\S+/.exec(await controller.log())?.[0]
    browser = await startBrowser()
    page = await browser.page()
    page.setDefaultTimeout(120_000)
    await page.goto(await until('the address of the page', url, { explain: () => controller.log() }))
    await heading('Overview').waitFor()
    await page.getByRole('button', { name: 'Read-only' }).click()
    await dialog().getByRole('button', { name: 'Unlock' }).click()
    await dialog().waitFor({ state: 'detached' })
  })
  after(async () => {
    await browser?.stop()
    if (controller?.running) await controller.end()
    await fleet.remove()
  })

  const heading = (name: string | RegExp) => page.getByRole('heading', { name, level: 1 })
  const go = (place: string) => page.goto(`http://127.0.0.1:${port}/#/${place}`)
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const dialog = () => page.getByRole('dialog')
  const press = (name: string) => dialog().getByRole('button', { name, exact: true }).click()
  const done = () => page.getByText('done', { exact: true }).first().waitFor({ timeout: 120_000 })

  it('grants access to the keys of this computer, shows the grant, and ends it', async () => {
    await go('access')
    await page.getByText('Nobody has access to any device').waitFor()
    await button('Grant access …').click()
    await dialog().getByLabel('Operator').fill('ada')
    await press('Use those of this computer')
    await dialog().getByText('SHA256:').waitFor()
    await dialog().getByLabel('Devices by name').fill('pier')
    await dialog().getByLabel('Ends').selectOption('in 8 hours')
    await dialog().getByText(`thymesh access grant ada --key '${key}' --device pier --until 8h`).waitFor()
    assert.deepEqual(await accessibility(page), [])
    await press('Grant')
    const row = page.getByRole('row').filter({ hasText: 'ada-1' })
    await row.getByText('shell, exec, files').waitFor()
    await until('the device to hear of it', async () => (await fleet.run('access', 'list')).stdout.includes('ada-1'))
    await row.getByRole('button', { name: 'Show …' }).click()
    await dialog().getByText('thymesh access revoke ada-1').waitFor()
    await dialog().getByText('run commands, restart units, reboot').waitFor()
    assert.deepEqual(await accessibility(page), [])
    await press('Revoke')
    await page.getByText('Nobody has access to any device').waitFor()
  })

  it('gives a site another name', async () => {
    await go('sites/harbour')
    await page.getByRole('link', { name: 'pier' }).waitFor()
    await button('Rename …').click()
    await dialog().getByLabel('New name').fill('quay')
    await dialog().getByText('thymesh site rename harbour quay --commit').waitFor()
    await press('Rename')
    await done()
    assert.match(await readFile(join(fleet.project, 'devices/pier.json'), 'utf8'), /"quay"/)
    await go('sites/quay')
    await page.getByRole('link', { name: 'pier' }).waitFor()
  })

  it('shows which devices have a config, builds it without a release, and says what came of it', async () => {
    await go('configs/hello')
    await page.getByRole('navigation', { name: 'hello' }).getByRole('link', { name: 'Devices' }).click()
    await page.getByRole('table', { name: 'By the release in force' }).getByRole('link', { name: 'pier' }).waitFor()
    await button('Build …').click()
    await dialog().getByText('thymesh build hello').waitFor()
    await press('Build')
    await done()
    await page.getByRole('table', { name: 'What was built' }).getByText('/nix/store/').waitFor()
  })

  it('says at once why a rehearsal can not be', async () => {
    await go('configs/hello')
    await button('Try …').click()
    await dialog().getByLabel('From release').selectOption('none: a first install')
    await dialog().getByLabel('Root to boot from').fill('/nowhere')
    await dialog().getByText('thymesh try hello --no-from --root /nowhere').waitFor()
    await press('Try')
    await heading('Rehearse').waitFor()
    await page.getByRole('alert').waitFor()
  })

  it('imports a Thymis project, and says what has no counterpart', async () => {
    for (const name of ['root-password-0b1c2d3e', 'vnc', 'wifi']) await fleet.json('secret', 'add', name, '--random')
    await go('project')
    await button('Import from Thymis …').click()
    await dialog().getByLabel('Folder').fill(thymis)
    await dialog().getByText(`thymesh import-thymis ${thymis}`).waitFor()
    await press('Import')
    await done()
    await page.getByText('configs/hall-1.json').first().waitFor()
    await page.getByRole('region', { name: 'What has no counterpart' }).getByRole('listitem').nth(3).waitFor()
    await fleet.commit('What was imported')
  })

  it('keeps notes on a device in the project, and shows them', async () => {
    await go('devices/pier')
    await page.getByText('Nothing is noted.').waitFor()
    await button('Edit …').click()
    await dialog().getByLabel('Notes').fill('Above the door; call Ben.')
    await dialog().getByText("thymesh device set pier description 'Above the door; call Ben.'").waitFor()
    await dialog().getByLabel('Message of the commit').fill('Where the pier is')
    await press('Save')
    await page.getByRole('region', { name: 'Notes' }).getByText('Above the door; call Ben.').first().waitFor()
    assert.match(await fleet.git('log', '-1', '--format=%s'), /^Where the pier is/)
    const { stdout } = await fleet.run('device', 'set', 'pier', 'description', 'On the roof')
    assert.match(stdout, /pier\.json/)
  })

  it('shows the entries of a device’s witnessed log, and checks all of them', async () => {
    await go('devices/pier/audit')
    const log = page.getByRole('table', { name: 'Witnessed log' })
    await log.getByText('daemon started').first().waitFor()
    // What the device writes while it is read is there the next time.
    await readUntil(page, 'the end of the update', () => log.getByText('update ended').first().isVisible())
    await button('Check all entries').click()
    await page.getByText(/the newest \d+ entries are those that it has signed/).waitFor()
    await button('Check all entries').waitFor({ state: 'detached' })
    await page.setViewportSize({ width: 320, height: 640 })
    await fits(page, 'the witnessed log')
    assert.deepEqual(await accessibility(page), [])
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  it('searches the journals of several devices, and says which were not read, or that nobody is meant', async () => {
    await go('logs?on=config%3Ahello&q=hello')
    await page.getByText('thymesh logs --on config:hello --grep hello --since 1h').waitFor()
    await button('Search').click()
    // A machine without a journal says so.
    await page
      .getByRole('region', { name: 'Not read' })
      .getByRole('link', { name: 'pier' })
      .or(page.getByText('No line has this text'))
      .or(page.getByRole('region', { name: 'Lines that were found' }))
      .first()
      .waitFor()
    assert.deepEqual(await accessibility(page), [])
    await page.getByLabel('Devices', { exact: true }).fill('nobody')
    await button('Search').click()
    await page.getByRole('alert').getByText('No device is meant by nobody').waitFor()
  })

  it('maps on which part of the last days devices were on', async () => {
    await go('')
    const map = page.getByRole('table', { name: 'Availability' })
    // It answers with nothing for a device that was busy when it was asked.
    await readUntil(page, 'the row of the device', () => map.getByRole('row').filter({ hasText: 'pier' }).isVisible())
    assert.equal(await map.getByRole('columnheader').count(), 16)
  })

  it('says who fails next, or that nobody does', async () => {
    await go('risks')
    await page
      .getByText('Nothing is about to fail')
      .or(page.getByRole('row').filter({ hasText: 'pier' }))
      .waitFor()
    await page.getByText('thymesh status --risk').first().waitFor()
  })

  it('renews the root after its name is typed, and shows what is signed before', async () => {
    await go('root')
    await page.getByRole('table', { name: 'Roles' }).getByText('targets').waitFor()
    await page.getByText('No site has operators of its own').waitFor()
    await button('Change …').click()
    await dialog().getByText('thymesh root propose --renew').waitFor()
    await press('Show what it changes')
    await dialog().getByText('Your signatures are enough').waitFor()
    await dialog()
      .getByRole('region', { name: 'What a signature covers' })
      .getByText(/root 2/i)
      .first()
      .waitFor()
    const sign = dialog().getByRole('button', { name: 'Sign and publish' })
    assert.equal(await sign.isDisabled(), true)
    await dialog().getByLabel('Type root-2 to sign it').fill('root-2')
    assert.deepEqual(await accessibility(page), [])
    await sign.click()
    await page.getByText(/Signed and published: root 2/).waitFor()
    const { version } = await fleet.json<{ version: number }>('root', 'show')
    assert.equal(version, 2)
    await go('root')
  })

  it('adds an operator, and removes him later: shows whom he has let in, and keeps those who are chosen', async () => {
    const passphrase = 'five random words are enough'
    const ben = { env: { THYMESH_HOME: join(fleet.directory, 'ben'), THYMESH_PASSPHRASE: passphrase } }
    const place = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`, '--no-mdns', '--json']
    const made = await fleet.runWith(ben, 'key', 'new', '--operator', 'ben', ...place)
    assert.equal(made.code, 0, made.stderr)
    const sign = async (name: string) => {
      await dialog().getByLabel(`Type ${name} to sign it`).fill(name)
      await press('Sign and publish')
      await page.getByText(`Signed and published: ${name.replace('-', ' ')}`).waitFor()
    }
    await button('Change …').click()
    await dialog().getByLabel('Add operators').fill(JSON.parse(made.stdout).card)
    await press('Show what it changes')
    await dialog().getByRole('region', { name: 'What a signature covers' }).getByText(/ben/).first().waitFor()
    await sign('root-3')
    const certificate = async () => {
      const { members } = await fleet.json<{ members: { name: string; expires: string }[] }>('members')
      return members.find(({ name }) => name === 'pier')?.expires
    }
    const before = await certificate()
    // From then on it is his key that makes the device a member.
    // His controller learns of the device when it has met another peer.
    const renew = async () => (await fleet.runWith(ben, 'members', 'renew', 'pier', '--json')).code === 0
    await until('him to renew the device', renew)
    await until('his certificate for the device', async () => (await certificate()) !== before)
    await go('root')
    await page
      .getByRole('table', { name: 'Roles' })
      .getByText(/, ben$/)
      .first()
      .waitFor()
    await button('Change …').click()
    await dialog().getByLabel('ben', { exact: true }).check()
    await dialog().getByLabel('Signatures: targets').fill('2')
    await press('Show what it changes')
    // Two signatures of one operator can never be.
    await dialog().getByRole('alert').waitFor()
    await dialog().getByLabel('Signatures: targets').fill('1')
    await press('Show what it changes')
    await dialog()
      .getByText(/members? (?:is|are) cut off/)
      .waitFor()
    const pier = dialog().getByLabel('pier')
    // What a removed operator has let in may be a thief's.
    assert.equal(await pier.isChecked(), false)
    await pier.check()
    await dialog().getByText('thymesh root propose --remove ben --keep pier').waitFor()
    assert.deepEqual(await accessibility(page), [])
    await sign('root-4')
    await page.getByRole('term').filter({ hasText: 'New certificates' }).waitFor()
    await go('members')
    await page.getByRole('row').filter({ hasText: 'pier' }).getByText('member', { exact: true }).waitFor()
    await go('root')
  })

  it('gives a site to operators of its own, and takes it back', async () => {
    const { card } = await fleet.json<{ card: string }>('key', 'show')
    const sign = async (command: string) => {
      await dialog().getByText(command).waitFor()
      await press('Show what it changes')
      await dialog().getByLabel('Type quay to sign it').fill('quay')
      await press('Sign and publish')
      await done()
      await go('root')
    }
    await button('Give a site away …').click()
    await dialog().getByLabel('Site', { exact: true }).fill('quay')
    await dialog().getByLabel('Operators of the site').fill(card)
    await sign('thymesh site delegate quay --operator')
    await page.getByRole('table', { name: 'Sites with operators' }).getByText('quay').waitFor()
    await page.getByRole('row').filter({ hasText: 'quay' }).getByRole('button', { name: 'Change …' }).click()
    await sign('thymesh site revoke quay')
    await page.getByText('No site has operators of its own').waitFor()
  })

  it('replaces hardware: its key is revoked, and a token for its name lets the next one in', async () => {
    await go('devices/pier/manage')
    await button('Replace …').click()
    await dialog().getByLabel('Also when the present hardware is at work').check()
    await dialog().getByText('thymesh replace pier --force').waitFor()
    await press('Replace')
    await dialog().getByText('New join token').waitFor()
    assert.equal(await dialog().getByLabel('For names').inputValue(), 'pier')
    await press('Make token')
    await dialog().getByRole('img', { name: 'The token as a QR code' }).waitFor()
    await dialog().getByText('thymesh join --name pier --site quay').waitFor()
    await press('I have it')
    await go('members')
    await page.getByRole('row').filter({ hasText: 'pier' }).getByText('revoked').first().waitFor()
  })

  it('has no serious finding of axe-core, in both themes, at 320 px and in German', async () => {
    for (const place of ['', 'access', 'risks', 'root', 'configs/hello']) {
      await go(place)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.getByText('Loading …').first().waitFor({ state: 'detached' })
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        assert.deepEqual(await accessibility(page), [], `${place} ${colorScheme}`)
      }
      await page.setViewportSize({ width: 320, height: 640 })
      await fits(page, place)
      await page.setViewportSize({ width: 1280, height: 800 })
    }
    await page.getByRole('contentinfo').getByLabel('Language').selectOption('Deutsch')
    await go('access')
    await heading('Zugänge').waitFor()
    await page.getByText('Niemand hat Zugang zu einem Gerät').waitFor()
  })
})
