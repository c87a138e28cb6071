/** A machine that is adopted in the web page, and what a person then does with it there: grants access, and restarts a unit. */

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { Daemon, freePort, until } from '../e2e/helpers/processes.ts'
import { makeSshKey } from '../helpers/access.ts'
import { startBrowser } from '../helpers/browser.ts'
import type { Scene } from './scene.ts'

type Machine = Awaited<ReturnType<Scene['another']>>

/** The fleet has a release; the browser and the controller are on its network. */
export async function adoptInPage(scene: Scene): Promise<void> {
  const { operator, network } = scene.fleet
  const machine = await scene.another('sign')
  await mkdir(join(operator.directory, '.ssh'), { recursive: true, mode: 0o700 })
  makeSshKey(join(operator.directory, '.ssh/id_ed25519'))
  const chromium = join(operator.directory, 'chromium')
  const command = network.argv([process.env.CHROMIUM ?? '/usr/bin/chromium']).map(word => `'${word}'`)
  await writeFile(chromium, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 })
  const port = await freePort()
  const controller = new Daemon(['--print', '--port', String(port), '-p', operator.project], {
    ...{ cwd: operator.directory, env: operator.env, logFile: join(operator.directory, 'web.log'), command: 'web' },
    through: argv => network.argv(argv),
  })
  const browser = await startBrowser([], chromium)
  try {
    const page = await browser.page()
    page.setDefaultTimeout(120_000)
    const url = async () => /http:\/\/127\.0\.0\.1:\d+\/#code=\S+/.exec(await controller.log())?.[0]
    await page.goto(await until('the address of the page', url, { explain: () => controller.log() }))
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    const go = (place: string) => page.goto(`http://127.0.0.1:${port}/#/${place}`)
    await adopts({ page, go, machine, scene })
    await restarts({ page, go, machine, scene })
  } finally {
    await browser.stop()
    if (controller.running) await controller.end()
  }
}

interface Step {
  readonly page: Page
  readonly machine: Machine
  readonly scene: Scene
  go(place: string): Promise<unknown>
}

async function adopts({ page, go, machine, scene }: Step): Promise<void> {
  const dialog = page.getByRole('dialog')
  await go('declared')
  await page.getByRole('button', { name: 'Adopt a machine …' }).click()
  await dialog.getByRole('textbox', { name: 'Machine' }).fill(`free@${machine.address}`)
  await dialog.getByLabel('Name', { exact: true }).fill('sign')
  await dialog.getByLabel('Site').fill('harbour')
  await dialog.getByText('More', { exact: true }).click()
  await dialog.getByLabel('Options of ssh').fill(scene.sshOptions.join('\n'))
  await dialog.getByLabel('Package').fill(scene.packages)
  await dialog.getByRole('button', { name: 'Look at it' }).click()
  await dialog.getByRole('button', { name: 'Unlock' }).click()
  // The plan, which changes nothing there, and its yes.
  await dialog.getByRole('listitem').nth(4).waitFor()
  await dialog.getByText('sign · hello · harbour').waitFor()
  assert.equal((await machine.host.exec(['ls', '/usr/bin/thymesh'])).code, 2)
  await dialog.getByRole('button', { name: 'Adopt', exact: true }).click()
  await page.getByRole('link', { name: 'Show the task' }).last().click()
  await page.getByRole('heading', { name: 'Adopt a machine', level: 1 }).waitFor()
  // What it says, while it is at it.
  await page.getByRole('region', { name: 'Output' }).getByText('Done: install.').first().waitFor({ timeout: 120_000 })
  await page.getByText('done', { exact: true }).first().waitFor({ timeout: 120_000 })
  await page.getByText('devices/sign.json').first().waitFor()
  await go('devices')
  const row = page.getByRole('row').filter({ hasText: 'sign' })
  await row.filter({ hasText: 'harbour' }).waitFor()
}

async function restarts({ page, go, machine }: Step): Promise<void> {
  const dialog = page.getByRole('dialog')
  await go('access')
  await page.getByRole('button', { name: 'Grant access …' }).click()
  await dialog.getByRole('button', { name: 'Use those of this computer' }).click()
  await dialog.getByText('SHA256:').waitFor()
  await dialog.getByLabel('Devices of one of these sites').fill('harbour')
  await dialog.getByRole('button', { name: 'Grant', exact: true }).click()
  await page.getByRole('row').filter({ hasText: 'site harbour' }).waitFor()
  const started = async () => (await machine.host.exec(['systemctl', 'show', '-p', 'InvocationID', 'ssh'])).stdout
  const before = await started()
  await go('devices/sign/manage')
  // The device lets nobody in before it has heard of the grant.
  const restarted = page.getByText('ssh.service runs anew on sign')
  await until('the unit to restart', async () => {
    await page.getByRole('button', { name: 'Restart a unit …' }).click()
    await dialog.getByLabel('Unit').fill('ssh')
    await dialog.getByText('thymesh restart-unit ssh sign').waitFor()
    await dialog.getByRole('button', { name: 'Restart the unit' }).click()
    await dialog.waitFor({ state: 'detached' })
    return await restarted.first().isVisible()
  })
  assert.notEqual(await started(), before)
}
