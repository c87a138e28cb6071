/** `thymesh import-thymis`: takes the configs and tags of a Thymis project over. */

import { resolve } from 'node:path'
import { withAccess } from '../shell/access.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export async function importThymis(options: ProjectOptions & { directory: string }): Promise<undefined> {
  return await withAccess(options, async access => {
    const about = { project: resolve(options.project), directory: resolve(options.directory) }
    const done = await access.orderAnywhere('import-thymis', about)
    if (done === undefined) return undefined
    const count = (folder: string) => done.written.filter(file => file.startsWith(folder)).length
    const files = done.written.length === 0 ? 'nothing to change' : done.written.join(', ')
    print(options, done, `Imported ${count('configs/')} configs and ${count('tags/')} tags: ${files}`)
    return undefined
  })
}
