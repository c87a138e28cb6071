/** The tarball on a systemd machine: install.sh verifies before it unpacks, and removes what it has installed. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { makeTarball, writeInstaller } from '../../scripts/src/package/tarball.ts'
import { inEmptyFolder, withCommon } from '../../scripts/src/package/tree.ts'
import { LabHost } from '../lab/host.ts'
import { labSkip } from '../lab/needs.ts'
import { quickBuild, sshPackages } from './packages.ts'
import { makeTrial, servesPage } from './page.ts'

describe('the tarball', { skip: labSkip() }, () => {
  it('is installed if its signature is right, and removed again', async t => {
    const into = await mkdtemp(join(tmpdir(), 'thymesh-tarball-'))
    t.after(() => rm(into, { recursive: true }))
    const key = join(into, 'key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    const build = { ...quickBuild(), key }
    const file = await withCommon(common => inEmptyFolder(work => makeTarball(build, common, work, into)))
    await writeInstaller([file], { key, into })
    makeTrial(into)
    const host = await LabHost.start(t, {
      binds: [{ from: into, to: '/mnt/t', writable: true }],
      packages: sshPackages,
    })
    const installer = (...args: string[]) => host.exec(['sh', '/mnt/t/install.sh', ...args], { timeout: 120_000 })

    const installed = await installer()
    assert.equal(installed.code, 0, installed.stderr)
    assert.equal(await host.must(['/usr/local/bin/thymesh', '--version']), '0.1.0')
    assert.equal(await host.unit('thymesh.service', 'UnitFileState'), 'enabled')
    assert.equal(await host.unit('thymesh.service', 'ActiveState'), 'inactive')
    await servesPage(host, '/usr/local', '/mnt/t')
    // Over itself, as an upgrade of the version before, which had its unit where it hid that of a release.
    const [unit, former] = ['/usr/local/lib', '/etc'].map(folder => `${folder}/systemd/system/thymesh.service`)
    await host.must(['mv', `${unit}`, `${former}`])
    assert.equal((await installer()).code, 0)
    assert.equal((await host.exec(['test', '-e', `${former}`])).code, 1)
    assert.equal(await host.unit('thymesh.service', 'FragmentPath'), unit)
    assert.equal(await host.unit('thymesh.service', 'UnitFileState'), 'enabled')

    const removed = await installer('--remove')
    assert.equal(removed.code, 0, removed.stderr)
    const left = await host.must(['find', '/usr/local', '/etc/systemd/system', '-name', '*thymesh*'])
    assert.equal(left, '')

    const handle = await open(file, 'r+')
    await handle.write(Buffer.from([0]), 0, 1, 100_000)
    await handle.close()
    const changed = await installer()
    assert.equal(changed.code, 1)
    assert.match(changed.stderr, /signature .* is not one of the key/)
    await host.must(['mv', `/mnt/t/${basename(file)}.sig`, '/mnt/t/away'])
    assert.match((await installer()).stderr, /expected the signature/)
    assert.equal((await host.exec(['test', '-e', '/usr/local/lib/thymesh'])).code, 1)
  })
})
