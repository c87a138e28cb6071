/** Names in the project's files that must lead somewhere: configs of devices, and tags. */

import type { DataFile, ProjectFiles } from './files.ts'
import { list, type Problem, suggestion } from './problem.ts'
import type { TagFile } from './schemas.ts'

export function checkReferences(files: ProjectFiles): Problem[] {
  const { configs, devices } = files
  return [
    ...[...devices.values()].flatMap(device => {
      const config = device.content?.config
      if (config === undefined || configs.has(config)) return []
      const known = [...configs.keys()]
      const words = `there is no configs/${config}.json; the project has ${list(known)}${suggestion(config, known)}`
      return [device.json.problem(['config'], words)]
    }),
    ...[...configs.values(), ...devices.values()].flatMap(file => checkTags(file, files)),
    ...sameButForCase(files),
  ]
}

function checkTags(file: DataFile<{ tags?: string[] | undefined }>, { tags }: ProjectFiles): Problem[] {
  const known = [...tags.keys()]
  return (file.content?.tags ?? []).flatMap((name, index, all) => {
    const path = ['tags', index]
    if (!tags.has(name)) {
      const words = `there is no tags/${name}.json; the project has ${list(known)}${suggestion(name, known)}`
      return [file.json.problem(path, words)]
    }
    return all.indexOf(name) === index ? [] : [file.json.problem(path, `the tag ${name} is there twice`)]
  })
}

/** The contents of tags that are there, in their order. */
export function tagsOf(names: readonly string[], files: ProjectFiles): TagFile[] {
  return names.flatMap(name => files.tags.get(name)?.content ?? [])
}

/** Modules of one name but for upper and lower case are one file where the file system doesn't tell them apart. */
function sameButForCase({ modules }: ProjectFiles): Problem[] {
  const seen = new Map<string, string>()
  return modules.flatMap(name => {
    const before = seen.get(name.toLowerCase())
    seen.set(name.toLowerCase(), name)
    if (before === undefined) return []
    const message = `its name differs from modules/${before}.nix only in upper and lower case`
    return [{ file: `modules/${name}.nix`, at: undefined, key: '', message }]
  })
}
