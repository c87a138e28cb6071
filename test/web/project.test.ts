/** The project's views on real files: a form edited, refused, written and committed; files that change under it; secrets. */

import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { Daemon, freePort, until } from '../e2e/helpers/processes.ts'
import { hello } from '../e2e/helpers/project.ts'
import { accessibility } from '../helpers/axe.ts'
import { fits, startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { nixSkip } from '../nix/workshop.ts'

describe('the project in the web page', { skip: nixSkip() }, () => {
  let fleet: Fleet
  let browser: TestBrowser
  let page: Page
  let port: number
  let controller: Daemon

  before(async () => {
    fleet = await Fleet.prepare()
    port = await freePort()
    await fleet.found()
    await fleet.commit('A kiosk', {
      'configs/hello.json': hello('version 1'),
      'configs/kiosk.json': {
        displayName: 'Kiosk',
        tags: ['outdoor'],
        modules: {
          kiosk: { url: 'https://one.example/' },
          files: { artifacts: [{ artifact: 'brand/logo.svg', path: '/srv/logo.svg' }] },
          networking: { timeServers: ['a.example', 'b.example', 'c.example'] },
        },
      },
      'tags/outdoor.json': { priority: 50, modules: { device: { timeZone: 'Europe/Berlin' } } },
      'artifacts/brand/logo.svg': '<svg/>',
      'artifacts/plan.txt': 'a plan of the piers',
      'devices/pier.json': { config: 'kiosk' },
    })
    const options = { cwd: fleet.directory, env: fleet.env, logFile: join(fleet.directory, 'web.log') }
    controller = new Daemon(['--print', '--port', String(port), '-p', fleet.project], { ...options, command: 'web' })
    const url = async () => /http:\/\/127\.0\.0\.1:\d+\/#code=\S+/.exec(await controller.log())?.[0]
    browser = await startBrowser()
    page = await browser.page()
    page.setDefaultTimeout(120_000)
    await page.goto(await until('the address of the page', url, { explain: () => controller.log() }))
    await heading('Overview').waitFor()
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
  const file = (name: string) => readFile(join(fleet.project, name), 'utf8')
  const write = (name: string, text: string) => writeFile(join(fleet.project, name), text)

  it('shows where each value comes from', async () => {
    await go('configs/kiosk')
    await heading('Kiosk (kiosk)').waitFor()
    await page.getByText('from tag outdoor (tags/outdoor.json:').waitFor()
    await page.getByLabel('Page (URL)').waitFor()
  })

  it('keeps the message of a commit where the question for the keys is left', async () => {
    await write('note.md', 'by hand')
    await go('project')
    await button('Commit …').click()
    const message = dialog().getByLabel('Message of the commit')
    await message.fill('A note')
    await dialog().getByRole('button', { name: 'Commit', exact: true }).click()
    await dialog().getByRole('button', { name: 'Unlock', exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await dialog().getByRole('button', { name: 'Unlock', exact: true }).waitFor({ state: 'detached' })
    assert.equal(await message.inputValue(), 'A note')
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    await rm(join(fleet.project, 'note.md'))
    await go('configs/kiosk')
    await heading('Kiosk (kiosk)').waitFor()
  })

  it('refuses what would be wrong, and writes and commits what is right', async () => {
    const url = page.getByLabel('Page (URL)')
    await url.fill('')
    await page.getByText('This can not be saved:').waitFor()
    assert.equal(await button('Save …').isDisabled(), true)
    await url.fill('https://two.example/')
    await button('Save …').click()
    await dialog().getByText('"https://two.example/"').waitFor()
    await dialog().getByText('thymesh config set kiosk modules.kiosk.url https://two.example/').waitFor()
    await dialog().getByLabel('Message of the commit').fill('Another page')
    await dialog().getByRole('button', { name: 'Save and commit' }).click()
    await dialog().getByRole('button', { name: 'Unlock' }).click()
    await page.getByText('Saved and committed as').waitFor()
    assert.match(await file('configs/kiosk.json'), /https:\/\/two\.example\//)
    assert.match(await fleet.git('log', '-1', '--format=%s'), /^Another page/)
  })

  it('takes a value out again, so that the tag counts', async () => {
    const zone = page.getByLabel('Time zone')
    await zone.fill('Europe/Paris')
    await page.getByText('instead of Europe/Berlin from tag outdoor').waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()
    assert.equal(await zone.inputValue(), '')
  })

  it('puts the elements of a list in order by buttons, with the focus on the one that moves, and by dragging', async () => {
    const list = page.getByRole('group', { name: 'Time servers (NTP)' })
    const server = (at: number) => list.getByLabel(`Server ${at}`)
    const shown = async () => await Promise.all([1, 2, 3].map(at => server(at).inputValue()))
    await list.getByRole('button', { name: 'Move down' }).first().focus()
    await page.keyboard.press('Enter')
    await list.getByRole('button', { name: 'Move down' }).nth(1).and(page.locator(':focus')).waitFor()
    await page.keyboard.press('Enter')
    // It is the last one: from here it can only go up again.
    await list.getByRole('button', { name: 'Move up' }).nth(2).and(page.locator(':focus')).waitFor()
    assert.deepEqual(await shown(), ['b.example', 'c.example', 'a.example'])
    await list.locator('[draggable]').nth(2).dragTo(server(2))
    await until('the one that was dragged', async () => (await server(2).inputValue()) === 'a.example')
    assert.deepEqual(await shown(), ['b.example', 'a.example', 'c.example'])
    // Beside the list it changes nothing, not even a field that takes text.
    const title = await page.getByLabel('Title').inputValue()
    await list.locator('[draggable]').nth(2).dragTo(page.getByLabel('Title'))
    assert.equal(await page.getByLabel('Title').inputValue(), title)
    await page.getByRole('button', { name: 'Discard' }).click()
  })

  it('says who uses an artifact, lets nobody remove it, and gives its file', async () => {
    await go('artifacts')
    const used = page.getByRole('row').filter({ hasText: 'brand' })
    await used.getByRole('link', { name: 'kiosk' }).waitFor()
    await used.getByRole('button', { name: 'Remove …' }).click()
    await dialog().getByText('Used by configs/kiosk.json (modules.files.artifacts').waitFor()
    assert.equal(await dialog().getByRole('button', { name: 'Remove', exact: true }).isDisabled(), true)
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    const coming = page.waitForEvent('download')
    await page.getByRole('row').filter({ hasText: 'plan.txt' }).getByRole('button', { name: 'Download' }).click()
    const download = await coming
    assert.equal(download.suggestedFilename(), 'plan.txt')
    assert.equal(await readFile(await download.path(), 'utf8'), 'a plan of the piers')
    await go('configs/kiosk')
    await page.getByLabel('Title').waitFor()
  })

  it('keeps what was typed when the file changes under the form, and overwrites nothing unseen', async () => {
    await page.getByLabel('Title').fill('From the form')
    await until('the preview', () => button('Save …').isEnabled())
    await write('configs/kiosk.json', (await file('configs/kiosk.json')).replace('two.example', 'editor.example'))
    await button('Save …').click()
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The file was changed elsewhere').waitFor()
    assert.match(await file('configs/kiosk.json'), /editor\.example/)
    assert.doesNotMatch(await file('configs/kiosk.json'), /From the form/)
    await until('the preview of the new file', () => button('Save …').isEnabled())
    await button('Save …').click()
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved: configs/kiosk.json').waitFor()
    assert.match(await file('configs/kiosk.json'), /editor\.example/)
    assert.match(await file('configs/kiosk.json'), /From the form/)
  })

  it('lets the second of two tabs see what the first has written, before it writes', async () => {
    const other = await page.context().newPage()
    await other.goto(`http://127.0.0.1:${port}/#/configs/kiosk`)
    await other.getByLabel('Title').fill('From the other tab')
    await page.getByLabel('Title').fill('From this tab')
    const save = async (tab: Page, title: string) => {
      await tab.getByRole('button', { name: 'Save …', exact: true }).click()
      await tab.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click()
      await until(`the file to say ${title}`, async () => (await file('configs/kiosk.json')).includes(title))
    }
    await save(page, 'From this tab')
    // An event tells it: were it to save before, it would be refused, and told so by that.
    await other.getByText('The file was changed elsewhere').waitFor()
    assert.match(await file('configs/kiosk.json'), /From this tab/)
    assert.equal(await other.getByLabel('Title').inputValue(), 'From the other tab')
    await save(other, 'From the other tab')
    await other.getByText('Saved: configs/kiosk.json').waitFor()
    await other.close()
  })

  it('says so where no browser opens the page, and lets one in all the same', async () => {
    const opens = async (env: NodeJS.ProcessEnv) => await fleet.runWith({ env }, 'web')
    const broken = await opens({ BROWSER: join(fleet.directory, 'no-such-browser') })
    assert.match(broken.stderr, /no-such-browser did not open the page \(.*ENOENT.*\)\. Open the address yourself/)
    const none = await opens({ BROWSER: '', DISPLAY: '', WAYLAND_DISPLAY: '' })
    assert.match(none.stderr, /No browser was found here\. From another machine: ssh -L/)
    for (const { code, stdout } of [broken, none]) {
      assert.equal(code, 0)
      assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/#code=/)
    }
  })

  it('shows the file with merge markers instead of a form', async () => {
    const right = await file('configs/kiosk.json')
    await write('configs/kiosk.json', `<<<<<<< ours\n${right}=======\n>>>>>>> theirs\n`)
    await go('configs')
    // Two changes of the address that the page hears of together are one, from the view to itself.
    await heading('Configs').waitFor()
    await go('configs/kiosk')
    await page.getByText('The file can not be read as it should be').waitFor()
    await go('configs/kiosk/file')
    await page.getByLabel('configs/kiosk.json').waitFor()
    await write('configs/kiosk.json', right)
  })

  it('shows who has a tag, and which device a config that no release names yet', async () => {
    await go('tags/outdoor/devices')
    await page.getByRole('region', { name: 'Configs that have it' }).getByRole('link', { name: 'kiosk' }).waitFor()
    await go('configs/kiosk/devices')
    await page.getByRole('region', { name: 'Only in the project' }).getByRole('link', { name: 'pier' }).waitFor()
  })

  it('makes, renames and removes a tag', async () => {
    await go('tags')
    await button('New …').click()
    await dialog().getByLabel('Name').fill('canary')
    await dialog().getByRole('button', { name: 'Create', exact: true }).click()
    await heading('canary').waitFor()
    assert.equal(JSON.stringify(JSON.parse(await file('tags/canary.json'))), '{}')
    await button('Rename …').click()
    await dialog().getByLabel('Name').fill('first')
    await dialog().getByRole('button', { name: 'Rename', exact: true }).click()
    await heading('first').waitFor()
    await button('Remove …').click()
    await dialog().getByRole('button', { name: 'Remove', exact: true }).click()
    await heading('Tags').waitFor()
    await assert.rejects(file('tags/first.json'), { code: 'ENOENT' })
  })

  it('looks at a machine before it is adopted, and says why it can not be', async () => {
    await go('declared')
    await button('Adopt a machine …').click()
    await dialog().getByRole('textbox', { name: 'Machine' }).fill('root@127.0.0.1')
    await dialog().getByText('More', { exact: true }).click()
    await dialog().getByLabel('Options of ssh').fill('Port=1\nConnectTimeout=5')
    await dialog().getByText('thymesh adopt root@127.0.0.1 --config hello --ssh-option Port=1').waitFor()
    await dialog().getByRole('button', { name: 'Look at it' }).click()
    await dialog().getByText('expected ssh to reach root@127.0.0.1').waitFor()
    await dialog().getByRole('button', { name: 'Cancel' }).click()
  })

  it('adds a secret, and never shows it', async () => {
    await go('secrets')
    await button('New …').click()
    await dialog().getByLabel('Name').fill('wifi')
    await dialog().getByLabel('Content', { exact: true }).last().fill('walrus in the harbour')
    await dialog().getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('row').filter({ hasText: 'wifi' }).waitFor()
    assert.doesNotMatch(await file('secrets/wifi.age'), /walrus/)
    assert.doesNotMatch(await page.content(), /walrus/)
    assert.doesNotMatch(await controller.log(), /walrus/)
  })

  it('shows what is not committed and what is wrong, and commits it', async () => {
    await write('devices/pier.json', '{ "config": "nothing" }')
    await go('project')
    await page.getByText('devices/pier.json', { exact: true }).waitFor()
    await page.getByText('devices/pier.json:1').waitFor()
    await button('Commit …').click()
    await dialog().getByText('devices/pier.json', { exact: true }).waitFor()
    await dialog().getByLabel('Message of the commit').fill('By hand')
    await dialog().getByRole('button', { name: 'Commit', exact: true }).click()
    await page.getByText('Committed as').waitFor()
    await page.getByText('All is committed').waitFor()
    assert.match(await fleet.git('log', '-1', '--format=%s'), /^By hand/)
  })

  it('has no serious finding of axe-core, in both themes and at 320 px', async () => {
    const places = [
      'project',
      'configs',
      'configs/kiosk',
      'configs/kiosk/devices',
      'configs/kiosk/file',
      'tags',
      'declared',
      'modules',
      'modules/access',
      'secrets',
      'artifacts',
      'inputs',
    ]
    for (const place of places) {
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
  })
})
