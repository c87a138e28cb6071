/** How the config of a device is called where people read it. */

/** The config in `configs/`: what the release calls CONFIG--DEVICE is that config with settings of this device. */
export function configName(config: string | null, device: string): string | null {
  const own = `--${device}`
  return config?.endsWith(own) ? config.slice(0, -own.length) : config
}
