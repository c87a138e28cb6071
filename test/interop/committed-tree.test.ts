/** A release of the committed tree, and an input that is locked, with the newest Nix. */

import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { hello } from '../e2e/helpers/project.ts'
import { missingNewerNix, newerNix } from './newer-nix.ts'

const input = '{ outputs = _: { thymesh = { description = "Shared"; modules = { }; }; }; }\n'

describe('a committed tree', { skip: await missingNewerNix() }, () => {
  it('is what the newest Nix builds, locks and releases', { timeout: 900_000 }, async t => {
    const fleet = await Fleet.prepare()
    t.after(() => fleet.remove())
    fleet.env.PATH = `${await newerNix()}:${fleet.env.PATH}`
    // Unpacked elsewhere, it looks for its build hook and its shell where they aren't.
    fleet.env.NIX_CONFIG = `${fleet.env.NIX_CONFIG}build-hook =\nsandbox-paths = /bin /usr /lib /lib64\n`
    await fleet.found()
    await fleet.commit('Committed', { 'configs/hello.json': hello('committed') })
    const first = await fleet.run('deploy', '--timeout', '0')
    assert.equal(first.code, 2, first.stderr)
    const { releases } = await fleet.json<{ releases: { configs: Record<string, { topLevel: string }> }[] }>('releases')
    const top = releases[0]?.configs.hello?.topLevel ?? ''
    assert.equal(await readFile(join(fleet.store, top, 'etc/hello'), 'utf8'), 'committed\n')
    await fleet.write({ 'configs/hello.json': hello('edited') })
    assert.equal((await fleet.json<{ configs: unknown[] }>('build')).configs.length, 1)
    await fleet.git('checkout', '-q', '--', '.')
    assert.match((await fleet.run('deploy', '--timeout', '0')).stderr, /Nothing to deploy/)

    const shared = join(fleet.directory, 'shared')
    await mkdir(shared)
    await writeFile(join(shared, 'flake.nix'), input)
    const added = await fleet.run('input', 'add', 'shared', `path:${shared}`)
    assert.equal(added.code, 0, added.stderr)
    assert.doesNotMatch(added.stdout + added.stderr, /•|warning:/)
    const lock = JSON.parse(await readFile(join(fleet.project, 'flake.lock'), 'utf8')) as { nodes: object }
    assert.ok('shared' in lock.nodes)
    assert.equal((await fleet.run('check')).code, 0)
  })
})
