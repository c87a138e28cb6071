/** Devices of the fleet that build for its operators: those whose config has the module `builder`. */

import { z } from 'zod'
import { systemSchema } from '../../protocol/encoding/fields.ts'
import type { DeclaredFleet } from '../project/declared-fleet.ts'

/** The account that only speaks to a builder's Nix: grants of access name it. */
export const builderUser = 'thymesh-builder'

/** As nix/modules/builder.nix declares them. */
const settingsSchema = z.object({
  systems: z.array(systemSchema).default([]),
  speed: z.int().default(1),
})

export interface DeviceBuilder {
  readonly device: string
  /** The first of them it needs no emulation for, if it is the device's own. */
  readonly systems: readonly string[]
  /** Of two builders the faster one is asked first. */
  readonly speed: number
}

/** The builders for a system, the fastest first. Whether one is in reach and granted shows when it is asked. */
export function buildersFor(fleet: Pick<DeclaredFleet, 'configs' | 'devices'>, system: string): DeviceBuilder[] {
  return Object.entries(fleet.devices)
    .flatMap(([device, { config: name }]) => {
      const config = Object.hasOwn(fleet.configs, name) ? fleet.configs[name] : undefined
      const settings = settingsSchema.safeParse(config?.modules.builder).data
      if (config === undefined || settings === undefined) return []
      const systems = settings.systems.length > 0 ? settings.systems : [config.system]
      return systems.includes(system) ? [{ device, systems, speed: settings.speed }] : []
    })
    .sort((a, b) => b.speed - a.speed || (a.device < b.device ? -1 : 1))
}
