/** `thymesh backup` and `thymesh restore`: an operator's folder in one encrypted file, and back. */

import { resolve } from 'node:path'
import { replaceFile } from '../../../node/files/durable-file.ts'
import { exists } from '../../../node/files/missing.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { makeBackup, restoreBackup } from '../../fleet/backup.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { passphrases } from '../../keys/passphrase.ts'
import { openProject } from '../../project/project.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface BackupOptions extends ProjectOptions {
  file: string
  force: boolean
}

export async function backup(options: BackupOptions): Promise<undefined> {
  const project = await openProject(options.project)
  const file = resolve(options.file)
  if (!options.force && (await exists(file))) {
    throw new HintedError('exists', `${file} is there already: nothing was written`, {
      hint: 'Give another name, or replace it with --force.',
    })
  }
  const home = new FleetHome(project.fleet)
  const [bytes, summary] = await makeBackup(home, project.fleet, await passphrases.chosen({ what: 'this backup' }))
  await replaceFile(file, bytes, { mode: 0o600 })
  print(
    options,
    { file, ...summary },
    [
      `Written: ${file} (${summary.files.length} files: keys, settings, tokens, the identity of this controller)`,
      'Keep it and its passphrase where neither can be lost, and not beside each other. Restore it in a clone of the project:',
      '  thymesh restore FILE',
    ].join('\n'),
  )
  return undefined
}

export async function restore(options: ProjectOptions & { file: string }): Promise<undefined> {
  const project = await openProject(options.project)
  const home = new FleetHome(project.fleet)
  const summary = await restoreBackup(resolve(options.file), home, project.fleet, await passphrases.of('this backup'))
  print(
    options,
    { directory: home.directory, ...summary },
    [
      `Restored the folder of ${summary.operator ?? 'an operator'}, as of ${summary.made}: ${home.directory}`,
      'The state of the fleet comes from its peers: nothing can be signed here before one is in reach.',
      'The machine that the backup came from must not run as this controller any more. May others have it? Then first: docs/operators.md',
    ].join('\n'),
  )
  return undefined
}
