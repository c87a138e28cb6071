/** `thymesh install-secrets`: what a device runs at its start, before the units that need secrets. */

import { resolve } from 'node:path'
import { installSecretsAtBoot } from '../../../node/secrets/at-boot.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface InstallOptions extends GlobalOptions {
  state: string
  root?: string
}

export async function installSecrets(options: InstallOptions): Promise<undefined> {
  const root = options.root === undefined ? undefined : resolve(options.root)
  const files = await installSecretsAtBoot({ state: resolve(options.state), root })
  const words =
    files === 0 ? 'This device has no secrets.' : `Installed ${files} ${files === 1 ? 'secret' : 'secrets'}.`
  print(options, { files: files ?? null }, files === undefined ? 'Secrets are there already.' : words)
  return undefined
}
