/** The link that keeps the image of a NixOS machine from the garbage collector, for as long as there is the machine. */

import { join } from 'node:path'
import { FleetHome } from '../fleet/fleet-home.ts'

export function imageLink(fleet: string, name: string): string {
  return join(new FleetHome(fleet).rootsDirectory('vms'), name)
}
