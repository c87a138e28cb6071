/** Which daemon runs on a device: of its release, of its package, or a mix of both. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { daemonProgram } from './daemon-program.ts'

const unit = 'systemd/system/thymesh.service'
const [ofRelease, ofPackage, inEtc] = ['run/current-system/units/thymesh.service', `usr/lib/${unit}`, `etc/${unit}`]
const inStore = '/nix/store/hcczzzkjdgi4gyvd8pw40541d63nhggs-source/lib/thymesh/node/bin/node'
const installed = '/usr/lib/thymesh/node/bin/node'

/** What is said of a machine with these files, whose daemon's process 7 runs this program. */
async function checked(t: TestContext, program: string | undefined, ...files: string[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-daemon-'))
  t.after(() => rm(root, { recursive: true }))
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), '')
  }
  await mkdir(join(root, 'proc/7'), { recursive: true })
  if (program !== undefined) await symlink(program, join(root, 'proc/7/exe'))
  const run = async () => ({ code: 0, text: program === undefined ? '0' : '7' })
  const unasked = { free: async () => undefined, mayWrite: async () => false, addresses: () => [] }
  const checks = await daemonProgram({ root, run, ...unasked })
  return checks.map(({ ok, message, hint }) => `${ok ? 'ok' : 'WRONG'} ${message}${hint ? '!' : ''}`).join()
}

describe("a device's daemon", () => {
  it('is of the release, or of the package', async t => {
    const withPackage = '/usr/lib/systemd/system/thymesh.service is for a boot without a generation'
    assert.equal(await checked(t, inStore, ofRelease, ofPackage), `ok it is of the release; ${withPackage}`)
    assert.equal(await checked(t, inStore, ofRelease), 'ok it is of the release; the machine has no other')
    assert.equal(await checked(t, installed, ofPackage), "ok it is the machine's own")
  })

  it('is not asked for where none runs, and on NixOS', async t => {
    assert.equal(await checked(t, undefined, ofPackage), '')
    assert.equal(await checked(t, inStore, inEtc, 'etc/NIXOS'), '')
  })

  it('is a mix where a unit in /etc hides that of the release, or another one runs', async t => {
    const hidden = await checked(t, installed, ofRelease, inEtc)
    assert.equal(hidden, 'WRONG /etc/systemd/system/thymesh.service hides the daemon of the release!')
    const older = await checked(t, installed, ofRelease, ofPackage)
    assert.equal(older, `WRONG expected the daemon of the release to run, got ${installed}!`)
    const left = await checked(t, inStore, ofPackage)
    assert.equal(left, `WRONG expected the daemon of the machine to run, got ${inStore}, of an earlier release!`)
  })
})
