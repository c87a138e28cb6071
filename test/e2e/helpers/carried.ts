/** A fleet whose first release reached a near device and a bundle file, and is unknown at a dark site. */

import { join } from 'node:path'
import type { Device } from './device.ts'
import { Fleet } from './fleet.ts'
import { hello } from './project.ts'

export interface Carried {
  fleet: Fleet
  /** The file of the bundle. */
  bundle: string
  /** The top level of the release. */
  top: string
  /** Not started yet. */
  dark: Device
}

/** Asks `more` for what else the controller makes before the near device is gone. */
export async function carried<More>(more: (fleet: Fleet) => Promise<More>): Promise<Carried & { more: More }> {
  const fleet = await Fleet.prepare()
  await fleet.found('near', 'dark')
  await fleet.commit('Version 1', { 'configs/hello.json': hello('version 1') })
  const near = await fleet.device('near')
  near.start(await fleet.token())
  await fleet.json('deploy', '-m', 'version 1', '--wait-for', 'near', '--timeout', '300')
  const top = (await near.running()) ?? ''
  const bundle = join(fleet.directory, 'news.thymesh')
  await fleet.json('bundle', 'write', bundle)
  const made = await more(fleet)
  await near.stop()
  return { fleet, bundle, top, dark: await fleet.device('dark'), more: made }
}
