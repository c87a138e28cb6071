/** `thymesh init`: founds a fleet. */

import { basename, resolve } from 'node:path'
import { nameSchema } from '../../../protocol/encoding/fields.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { createFleet } from '../../fleet/create-fleet.ts'
import { nameFrom, operatorName } from '../../fleet/names.ts'
import { passphrases } from '../../keys/passphrase.ts'
import { checkAddresses } from '../../project/addresses.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface InitOptions extends GlobalOptions {
  directory: string
  name?: string
  operator?: string
  listen: string[]
  bootstrap: string[]
  mdns: boolean
  /** False for `--no-passphrase`. */
  passphrase: boolean
  store?: string
}

export async function init(options: InitOptions): Promise<undefined> {
  const { directory } = options
  const name = checkedName(options.name ?? nameFrom(basename(resolve(directory))), '--name')
  const operator = checkedName(options.operator ?? operatorName(), '--operator')
  checkAddresses(options.listen, '--listen')
  checkAddresses(options.bootstrap, '--bootstrap')
  const created = await createFleet({
    directory,
    name,
    operator,
    bootstrap: options.bootstrap,
    ...(options.passphrase && { passphrase: () => passphrases.chosen() }),
    settings: {
      mdns: options.mdns,
      ...(options.listen.length > 0 && { listen: options.listen }),
      ...(options.store !== undefined && { store: resolve(options.store) }),
    },
  })
  print(
    options,
    created,
    [
      `Fleet ${name} is founded: ${created.fleet}`,
      `  project  ${created.directory} (${created.written.join(', ')})`,
      `  keys     ${created.home}/keys: keep a copy where it can't be lost or read; nobody can replace them`,
      '',
      'Next: make a machine the device first (thymesh adopt user@host --name first; or thymesh token here, thymesh join there),',
      'and give it its config (thymesh deploy).',
    ].join('\n'),
  )
  return undefined
}

function checkedName(name: string, option: string): string {
  const parsed = nameSchema.safeParse(name)
  if (parsed.success) return parsed.data
  throw new HintedError('invalid-name', `${option}: ${parsed.error.issues[0]?.message}, got ${JSON.stringify(name)}`, {
    hint: `Give another one with ${option} NAME.`,
  })
}
