/**
 * The programs of the distribution that a portable generation calls: its top level names them, and an update that would find
 * one missing doesn't begin.
 */

import { access, constants, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ThymeshError } from '../../protocol/errors.ts'
import { unlessMissing } from '../files/missing.ts'
import { maxNeeds } from './limits.ts'

export class NeedsError extends ThymeshError<'missing-program'> {}

/** Where distributions have programs, whatever the daemon's own PATH is. */
const usualFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

const word = z.string().regex(/^[\w./+@:-]{1,200}$/)

/** A line of `thymesh/needs`: `PROGRAM|PROGRAM… PACKAGE MODULE`. What a later version puts behind these is passed over. */
const lineSchema = z
  .string()
  .transform(line => line.split(' '))
  .transform(([programs, pack, module]) => ({ programs: programs?.split('|'), package: pack, module }))
  .pipe(z.object({ programs: z.array(word).min(1).max(10), package: word, module: word }))

/** Programs of which any will do, their package by Debian's name, and the module that calls them. */
export type Need = z.infer<typeof lineSchema>

/** What a top level needs, by its `thymesh/needs`: nothing where it has no such file. Throws a ZodError. */
async function needsOf(realPath: string): Promise<readonly Need[]> {
  const text = (await unlessMissing(readFile(join(realPath, 'thymesh/needs'), 'utf8'))) ?? ''
  const lines = text.split('\n').filter(line => line !== '')
  return z.array(lineSchema).max(maxNeeds).parse(lines)
}

/**
 * Throws a NeedsError that says what to install, if the machine has none of the programs of a need, neither in `folders` nor
 * in the generation itself. `realPath` is where the top level's files lie.
 */
export async function requireNeeds(
  realPath: string,
  folders: readonly string[] = [...(process.env.PATH ?? '').split(':'), ...usualFolders],
): Promise<void> {
  const places = [join(realPath, 'sw/bin'), ...folders.filter(folder => folder.startsWith('/'))]
  const missing: Need[] = []
  for (const need of await needsOf(realPath)) {
    if (!(await hasAny(need.programs, places))) missing.push(need)
  }
  if (missing.length === 0) return
  const what = missing.map(({ programs, module }) => `${programs.join(' or ')} (for the module ${module})`)
  const packages = [...new Set(missing.map(need => need.package))].join(' ')
  const install = (await hasAny(['apt'], places)) ? `apt install ${packages}` : `install ${packages} (Debian's name)`
  throw new NeedsError('missing-program', `this machine lacks ${what.join(', ')}: ${install}`)
}

async function hasAny(programs: readonly string[], places: readonly string[]): Promise<boolean> {
  const files = programs.flatMap(program => (program.startsWith('/') ? program : places.map(at => join(at, program))))
  for (const file of files) if (await isProgram(file)) return true
  return false
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
