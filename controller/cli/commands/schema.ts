/** `thymesh schema`: JSON Schemas of the project's files, for editors. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonSchema, type SchemaName, schemaNames, schemaText } from '../../project/json-schemas.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export async function schema(options: GlobalOptions & { name?: SchemaName; to?: string }): Promise<undefined> {
  const names = options.name === undefined ? schemaNames : [options.name]
  if (options.to !== undefined) {
    await mkdir(options.to, { recursive: true })
    for (const name of names) await writeFile(join(options.to, `${name}.json`), schemaText(name))
    const written = names.map(name => join(options.to ?? '', `${name}.json`))
    print(options, { written }, written.join('\n'))
    return undefined
  }
  const all = Object.fromEntries(names.map(name => [name, jsonSchema(name)]))
  const [name] = names
  print(
    options,
    all,
    options.name === undefined || name === undefined ? JSON.stringify(all, null, 2) : schemaText(name).trimEnd(),
  )
  return undefined
}
