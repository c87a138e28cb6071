/** Programs that a generation needs: found in any folder, and what to install where they are missing. */

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { temporaryFolder } from '../files/temporary.ts'
import { requireNeeds } from './needs.ts'

/** A top level with these needs, and a folder of the machine with these programs. */
async function machine(t: TestContext, needs: string | undefined, files: Record<string, number>) {
  const folder = await temporaryFolder()
  t.after(() => folder.remove())
  const place = async (file: string, text: string, mode: number) => {
    await mkdir(dirname(join(folder.path, file)), { recursive: true })
    await writeFile(join(folder.path, file), text, { mode })
  }
  if (needs !== undefined) await place('top/thymesh/needs', needs, 0o444)
  for (const [file, mode] of Object.entries(files)) await place(file, '', mode)
  return {
    at: (file: string) => join(folder.path, file),
    check: () => requireNeeds(join(folder.path, 'top'), [join(folder.path, 'bin')]),
  }
}

describe('the needs of a generation', () => {
  const screen = 'chromium|google-chrome chromium kiosk\nxinit xinit kiosk\n'

  it('are met by any of the programs, of the machine or of the generation itself', async t => {
    await (await machine(t, screen, { 'bin/google-chrome': 0o755, 'top/sw/bin/xinit': 0o755 })).check()
  })

  it('are none where a top level names none, as one of the version before', async t => {
    await (await machine(t, undefined, {})).check()
  })

  it('say what is missing, for what, and what to install', async t => {
    const { check } = await machine(t, `${screen}podman podman containers later words\n`, {
      'bin/apt': 0o755,
      'bin/xinit': 0o644,
    })
    await assert.rejects(check, {
      code: 'missing-program',
      message:
        'this machine lacks chromium or google-chrome (for the module kiosk), xinit (for the module kiosk), ' +
        'podman (for the module containers): apt install chromium xinit podman',
    })
  })

  it('name the packages only, where there is no apt; a folder is no program', async t => {
    const { at, check } = await machine(t, 'podman podman containers\n', {})
    await mkdir(at('bin/podman'), { recursive: true })
    await assert.rejects(check, /: install podman \(Debian's name\)$/)
  })

  it('can be a file of the machine by its path', async t => {
    const { at } = await machine(t, undefined, { 'etc/wpa': 0o755 })
    const { check } = await machine(t, `${at('etc/wpa')} wpasupplicant networking\n`, {})
    await check()
  })

  it('that nobody can read stop the update', async t => {
    const bad = await machine(t, 'podman\n', {})
    await assert.rejects(bad.check, { name: 'ZodError' })
  })
})
