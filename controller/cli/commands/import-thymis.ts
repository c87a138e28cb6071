/** `thymesh import-thymis`: takes the configs and tags of a Thymis project over. */

import { HintedError } from '../../../protocol/errors.ts'
import { addEntry } from '../../project/entries.ts'
import { convertThymis } from '../../project/thymis/convert.ts'
import { readThymisState } from '../../project/thymis/state.ts'
import { editProject } from '../shell/edit-project.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note } from '../shell/output.ts'

export async function importThymis(options: ProjectOptions & { directory: string }): Promise<undefined> {
  const { tags, configs, secrets, left } = convertThymis(await readThymisState(options.directory))
  return await editProject(
    options,
    `Imported ${configs.size} configs and ${tags.size} tags`,
    async (edit, { files }) => {
      // Thymis's project names secrets; their values are in its database.
      const missing = secrets.filter(name => !files.secrets.has(name))
      if (missing.length > 0) {
        throw new HintedError(
          'secrets-missing',
          `expected the secrets ${secrets.join(', ')}; the project lacks ${missing.join(', ')}`,
          {
            hint: `Add each first: ${missing.map(name => `thymesh secret add ${name}`).join('; ')}`,
          },
        )
      }
      for (const [name, content] of tags) await addEntry(edit, 'tags', name, content)
      for (const [name, content] of configs) await addEntry(edit, 'configs', name, content)
      for (const sentence of left) note(options, `left: ${sentence}`)
      return { secrets, left }
    },
  )
}
