/** The files of the project's own modules: made, changed and taken away. */

import { EditError, entryExists, type ProjectEdit } from './edit.ts'
import type { ProjectFiles } from './files.ts'
import { list, suggestion } from './problem.ts'
import { moduleFile } from './template.ts'
import { moduleUsers } from './uses.ts'

const fileOf = (name: string) => `modules/${name}.nix`

/** Without a text, one to begin with. */
export async function addModule(edit: ProjectEdit, name: string, text = moduleFile(name)): Promise<void> {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]*$/.test(name)) {
    throw new EditError('invalid-name', `expected a name of letters, digits, _ and -, got ${name}`, {
      hint: 'Such as: thymesh module add web-server.',
    })
  }
  const file = fileOf(name)
  if ((await edit.read(file)) !== undefined) throw entryExists(`module ${name}`, file)
  await edit.write(file, text)
}

export async function writeModule(edit: ProjectEdit, name: string, text: string, files: ProjectFiles): Promise<void> {
  await requireModule(edit, name, files)
  await edit.write(fileOf(name), text)
}

/** Takes a module away, unless something uses it. */
export async function removeModule(edit: ProjectEdit, name: string, files: ProjectFiles): Promise<void> {
  await requireModule(edit, name, files)
  const users = moduleUsers(name, files)
  if (users.length > 0) {
    throw new EditError('in-use', `the module ${name} is in use: ${list(users)}`, {
      hint: 'Remove it from these files first.',
    })
  }
  await edit.remove(fileOf(name))
}

async function requireModule(edit: ProjectEdit, name: string, { modules }: ProjectFiles): Promise<void> {
  // The name alone leads nowhere else: it is one of those that the folder has.
  if (modules.includes(name) && (await edit.read(fileOf(name))) !== undefined) return
  throw new EditError('no-such-entry', `there is no module ${name} (${fileOf(name)})`, {
    hint: `The project has ${list(modules)}${suggestion(name, modules) || '.'}`,
  })
}
