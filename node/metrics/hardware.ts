/** What /sys says of temperature, voltage and the wear of flash memory, without any tool. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { numberOf, textOf } from './proc.ts'

function entries(root: string, path: string): string[] {
  try {
    return readdirSync(join(root, path)).map(name => `${path}/${name}`)
  } catch {
    return []
  }
}

/** Sensors beyond these are broken or absent. */
const possible = (celsius: number) => celsius > -60 && celsius < 200

/** Of the hottest sensor, in °C. */
export function temperature(root: string): number | undefined {
  const zones = entries(root, 'sys/class/thermal').filter(path => /\/thermal_zone\d+$/.test(path))
  const chips = entries(root, 'sys/class/hwmon').flatMap(chip =>
    entries(root, chip).filter(path => /\/temp\d+_input$/.test(path)),
  )
  const files = [...zones.map(zone => `${zone}/temp`), ...chips]
  const measured = files.flatMap(file => numberOf(root, file) ?? []).map(value => value / 1000)
  const real = measured.filter(possible)
  return real.length === 0 ? undefined : Math.max(...real)
}

/** 1 while a Raspberry Pi's supply is too weak, 0 while it is not; undefined on other machines. */
export function underVoltage(root: string): number | undefined {
  const throttled = textOf(root, 'sys/devices/platform/soc/soc:firmware/get_throttled')?.trim()
  if (throttled !== undefined && /^(?:0x)?[0-9a-f]{1,8}$/i.test(throttled)) return Number.parseInt(throttled, 16) & 1
  for (const chip of entries(root, 'sys/class/hwmon')) {
    if (textOf(root, `${chip}/name`)?.trim() === 'rpi_volt') return numberOf(root, `${chip}/in0_lcrit_alarm`)
  }
  return undefined
}

/**
 * Used life of the most worn flash memory, in percent. eMMC (`life_time`) and UFS count in tenths: 0x01 is up to 10 %, 0x0b is
 * beyond the life that the maker expects.
 */
export function wear(root: string): number | undefined {
  const emmc = entries(root, 'sys/block')
    .filter(path => /\/mmcblk\d+$/.test(path))
    .map(path => textOf(root, `${path}/device/life_time`) ?? '')
  const ufs = entries(root, 'sys/bus/platform/drivers/ufshcd').flatMap(path =>
    ['a', 'b'].map(type => textOf(root, `${path}/health_descriptor/life_time_estimation_${type}`) ?? ''),
  )
  const tenths = [...emmc, ...ufs]
    .flatMap(text => text.trim().split(/\s+/))
    .filter(word => /^0x[0-9a-f]{1,2}$/i.test(word))
    .map(word => Number.parseInt(word, 16))
    // 0 means that it isn't measured, more than 11 is reserved.
    .filter(value => value >= 1 && value <= 11)
  return tenths.length === 0 ? undefined : Math.max(...tenths) * 10
}
