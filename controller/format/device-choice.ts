/** How some of all devices are named: by name, tag, site or config. */

import { configName } from './config-name.ts'

export interface Choosable {
  readonly device: string
  readonly tags: readonly string[]
  readonly site: string | null
  readonly config: string | null
}

/** Whether a device is meant by `tag:kiosk`, `site:harbour`, `config:sign` (with settings of its own as well), `all`, or its name. */
export function isMeant(choice: string): (row: Choosable) => boolean {
  const [, kind, value = ''] = /^(tag|site|config):(.*)$/.exec(choice) ?? []
  return ({ device, tags, site, config }) => {
    if (choice === 'all') return true
    if (kind === 'tag') return tags.includes(value)
    if (kind === 'site') return site === value
    return kind === 'config' ? [config, configName(config, device)].includes(value) : device === choice
  }
}
