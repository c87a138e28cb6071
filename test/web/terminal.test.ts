/** Terminals and files of a device in a real browser, with a real sshd behind the mesh: what is typed, kept, moved and refused. */

import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { accessibility } from '../helpers/axe.ts'
import { readUntil, startBrowser, type TestBrowser } from '../helpers/browser.ts'
import { type Hands, hands } from '../helpers/hands.ts'
import { until } from '../helpers/until.ts'

const skip =
  process.getuid?.() !== 0
    ? 'sshd lets others in only as root'
    : !existsSync('/usr/sbin/sshd') && 'there is no sshd: scripts/setup --tests'

describe('hands on a device in the web page', { skip, timeout: 900_000 }, () => {
  let made: Hands
  let browser: TestBrowser
  let page: Page
  const undos: (() => unknown)[] = []
  const refused: string[] = []
  /** Connections that this process has accepted, those of the browser among them. */
  const sockets = new Set<Socket>()
  /** Whether the browser reaches the page's door no more. */
  let cut = false

  before(async () => {
    subscribe('net.server.socket', message => {
      const { socket } = message as { socket: Socket }
      if (cut && socket.localPort === made.page.port) socket.destroy()
      else sockets.add(socket)
    })
    made = await hands({ after: undo => void undos.push(undo as () => unknown) })
    browser = await startBrowser()
    page = await browser.page({ acceptDownloads: true })
    page.setDefaultTimeout(120_000)
    page.on('console', message => {
      if (/Content.Security.Policy|Trusted ?Type/i.test(message.text())) refused.push(message.text())
    })
    await page.goto(made.open())
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  })
  after(async () => {
    await browser?.stop()
    for (const undo of undos.reverse()) await undo()
  })

  const go = (place: string) => page.goto(`${made.page.address}#/${place}`)
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const screen = () => page.locator('.xterm-rows')
  const shows = async (text: string) => await screen().getByText(text).first().waitFor()
  const type = async (text: string) => {
    await page.locator('.xterm-helper-textarea').focus()
    await page.keyboard.type(text)
    await page.keyboard.press('Enter')
  }

  it('opens a shell, once the keys are unlocked, as wide as its window', async () => {
    await go('devices/device/terminal')
    await button('Open a terminal').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Unlock' }).click()
    await screen().waitFor()
    await type('echo in-$((40+2)) $(tput cols 2>/dev/null || stty size | cut -d" " -f2)')
    await shows('in-42')
    const wide = /in-42 (\d+)/.exec((await screen().textContent()) ?? '')?.[1]
    assert.ok(Number(wide) > 80, `as wide as the window: ${wide}`)
  })

  it('shows colours without an inline style that the policy refuses', async () => {
    await type("printf '\\033[38;2;1;200;3mgreen-%s\\033[0m\\n' text")
    await shows('green-text')
    const green = screen().locator('span', { hasText: /^green-text$/ })
    const colours = () => green.evaluateAll(all => all.map(each => String(each.computedStyleMap().get('color'))))
    await until(async () => (await colours()).includes('rgb(1, 200, 3)'), 'the colour')
    assert.deepEqual(refused, [])
  })

  it('loses no output with its link, and says that it is lost', async () => {
    await type('export KEPT=still-here; (sleep 2; echo meanwhile-$((1+1))) & echo begun-$((0+1))')
    // What is on its way there would be lost with the link.
    await shows('begun-1')
    cut = true
    for (const socket of sockets) if (socket.localPort === made.page.port) socket.destroy()
    await page.getByText('The link is lost since').waitFor()
    cut = false
    await shows('meanwhile-2')
    await type('echo $KEPT-$((2+2))')
    await shows('still-here-4')
  })

  it('goes on after the page was loaded anew, with what it had shown', async () => {
    await page.reload()
    await shows('still-here-4')
    await type('echo after-$((3+3))')
    await shows('after-6')
  })

  it('has several beside each other', async () => {
    await button('Another terminal').click()
    await until(
      async () => (await page.getByRole('group', { name: 'Terminals' }).getByRole('button').count()) === 3,
      'two',
    )
    await type('echo second-$((4+4)) $KEPT.')
    await shows('second-8 .')
    await button('root 1').click()
    await shows('after-6')
  })

  it('is accessible', async () => {
    assert.deepEqual(await accessibility(page), [])
  })

  it('lists, downloads and uploads files, and cancels', async () => {
    const folder = join(made.folder, 'on-device')
    await mkdir(folder)
    const large = Buffer.alloc(9_000_001, 'thymesh ')
    await writeFile(join(folder, 'large.bin'), large)
    await go(`devices/device/files?path=${encodeURIComponent(folder)}`)
    await page.getByText('large.bin').waitFor()
    const coming = page.waitForEvent('download')
    await button('Download').click()
    const file = await (await coming).path()
    assert.ok((await readFile(file)).equals(large))
    const choose = page.locator('input[type=file]')
    await writeFile(join(made.folder, 'put.bin'), large)
    await choose.setInputFiles(join(made.folder, 'put.bin'))
    await until(async () => existsSync(join(folder, 'put.bin')), 'the upload')
    assert.ok((await readFile(join(folder, 'put.bin'))).equals(large))
    await page.getByRole('cell', { name: 'put.bin' }).waitFor()
    assert.deepEqual((await readdir(folder)).sort(), ['large.bin', 'put.bin'])
    assert.deepEqual(await accessibility(page), [])
  })

  it('says what the device refuses', async () => {
    await go('devices/device/files?path=/no/such/folder')
    await page.getByText('/no/such/folder: No such file').waitFor()
    // What is in the folder before must not stand under this one's name.
    await page.getByRole('cell', { name: 'put.bin' }).waitFor({ state: 'detached' })
  })

  it('restarts a unit where systemd lets it, and says why where it does not', async () => {
    await go('devices/device/manage')
    await button('Restart a unit …').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Unit').fill('no-such-unit')
    await dialog.getByText('thymesh restart-unit no-such-unit device').waitFor()
    await dialog.getByRole('button', { name: 'Restart the unit' }).click()
    // The question stays, so that it can be mended.
    await dialog.getByText('expected no-such-unit.service on device to restart, got:').waitFor()
    await dialog.getByLabel('Unit').fill('a;b')
    await dialog.getByRole('button', { name: 'Restart the unit' }).click()
    await dialog.getByText('expected the name of a unit, got "a;b"').waitFor()
    assert.deepEqual(await accessibility(page), [])
    await dialog.getByRole('button', { name: 'Cancel' }).click()
  })

  it('ends when the grant does, and says so', async () => {
    await go('devices/device/terminal')
    await button('root 1').click()
    await shows('after-6')
    await made.change([])
    await page.getByText('This session has ended').waitFor()
    await button('Another terminal').click()
    await page.getByText('nobody is granted access as root on this device now').waitFor()
    assert.deepEqual(refused, [])
  })

  it('is recorded where its grant says so, and played here', async () => {
    await go('devices/device/recordings')
    await page.getByText('No session is recorded here').waitFor()
    await made.change([{ ...made.grant, record: true }])
    await go('devices/device/terminal')
    await button('Another terminal').click()
    await page.getByText('this session is recorded').waitFor()
    await type("printf '\\033]0;no title\\007\\033[38;2;1;200;3mgreen-%s\\033[0m\\n' again; exit")
    await page.getByText('The shell ended with code').last().waitFor()
    await go('devices/device/recordings')
    const row = page.getByRole('row').filter({ hasText: 'ada' }).getByRole('link')
    await readUntil(page, 'the recording', () => row.isVisible())
    await row.click()
    // The device writes the end of a recording after that of its session.
    const save = button('Save as asciicast')
    const cut = page.getByText('The end of this recording is missing')
    await readUntil(page, 'the end of it', async () => (await save.isVisible()) && !(await cut.isVisible()))
    await shows('green-again')
    const coming = page.waitForEvent('download')
    await save.click()
    const cast = await readFile(await (await coming).path(), 'utf8')
    assert.equal(JSON.parse(cast.split('\n')[0] ?? '').version, 2)
    assert.match(cast, /no title/)
    // By keys: to its beginning, where nothing is shown yet, and on.
    const position = page.getByRole('slider', { name: 'Position' })
    await button('Play').waitFor()
    await position.focus()
    await page.keyboard.press('Home')
    await until(async () => !((await screen().textContent()) ?? '').includes('green-again'), 'its beginning')
    await button('Play').focus()
    await page.keyboard.press('Space')
    await shows('green-again')
    assert.deepEqual(await accessibility(page), [])
    assert.deepEqual(refused, [])
  })
})
