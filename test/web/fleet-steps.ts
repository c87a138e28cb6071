/** Steps of the test of a real fleet in the page, which stand here because they are long: alerts, and the life of a device. */

import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { Fleet } from '../e2e/helpers/fleet.ts'
import { accessibility } from '../helpers/axe.ts'

interface Step {
  readonly page: Page
  readonly fleet: Fleet
}

const opener = (page: Page) => async (name: string) =>
  await page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name, exact: true }).click()

/** The device `first` has failed its update, and holds the rollout. */
export async function alertsStep({ page, fleet }: Step): Promise<void> {
  const dialog = () => page.getByRole('dialog')
  const open = opener(page)
  await open('Alerts')
  const alerts = page.getByRole('table', { name: 'Alerts' })
  const failed = alerts.getByRole('row').filter({ hasText: 'update-failed' })
  const held = alerts.getByRole('row').filter({ hasText: 'rollout-held' })
  await failed.filter({ hasText: 'first' }).getByText('warning').waitFor({ timeout: 240_000 })
  await held.filter({ hasText: 'second' }).getByText('critical').waitFor({ timeout: 240_000 })
  assert.deepEqual(await accessibility(page), [])
  await failed.getByRole('button', { name: 'Acknowledge' }).click()
  await failed.getByText('looks after it').waitFor()
  await held.getByRole('button', { name: 'Silence …' }).click()
  await dialog().getByLabel('For').selectOption('a day')
  await dialog().getByText('thymesh alerts silence --rule rollout-held --device second --for 1d').waitFor()
  await dialog().getByRole('button', { name: 'Silence', exact: true }).click()
  await held.getByText('silenced by').waitFor()
  const silences = page.getByRole('table', { name: 'Silences' })
  await silences
    .getByRole('row')
    .filter({ hasText: 'rollout-held, second' })
    .getByRole('button', { name: 'End' })
    .click()
  await held.getByRole('button', { name: 'Silence …' }).waitFor()
  assert.match(await fleet.run('alerts', 'list').then(({ stdout }) => stdout), /update-failed/)
}

/** The device `second` is at work, and is a member no more afterwards. */
export async function lifeStep({
  page,
  fleet,
  address,
  passphrase,
}: Step & { readonly address: string; readonly passphrase: string }): Promise<void> {
  const dialog = () => page.getByRole('dialog')
  const open = opener(page)
  const manage = (name: string) => page.goto(`${address}#/devices/${name}/manage`)
  const ordered = async (verb: string) => {
    await dialog().getByRole('button', { name: verb, exact: true }).click()
    await page.getByText('done', { exact: true }).first().waitFor()
  }
  await manage('second')
  await page.getByRole('button', { name: 'Rename …' }).click()
  await dialog().getByLabel('New name').fill('lobby')
  await dialog().getByText('thymesh rename second lobby --commit').waitFor()
  await ordered('Rename')
  await open('Devices')
  await page.getByRole('link', { name: 'lobby' }).waitFor()
  await manage('lobby')
  await page.getByRole('button', { name: 'Move …' }).click()
  await dialog().getByLabel('New site').fill('harbour')
  await dialog().getByText('thymesh move lobby --site harbour --commit').waitFor()
  await ordered('Move')
  await open('Devices')
  await page.getByRole('row').filter({ hasText: 'lobby' }).filter({ hasText: 'harbour' }).waitFor()
  await manage('lobby')
  await page.getByRole('button', { name: 'Gather …' }).click()
  await dialog()
    .getByRole('region', { name: 'Text for support' })
    .getByText(/Log of thymesh.service/)
    .waitFor()
  await dialog().getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Retire …' }).click()
  await dialog().getByText('thymesh retire lobby --commit').waitFor()
  await dialog().getByRole('button', { name: 'Retire', exact: true }).click()
  // Who is let out is asked for anew.
  await dialog().getByLabel('Passphrase').fill(passphrase)
  await page.keyboard.press('Enter')
  await page.getByText('done', { exact: true }).first().waitFor()
  await assert.rejects(access(join(fleet.project, 'devices/lobby.json')), { code: 'ENOENT' })
  await open('Members')
  await page.getByRole('row').filter({ hasText: 'lobby' }).getByText('revoked').first().waitFor()
}
