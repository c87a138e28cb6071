/** Which rehearsals a release needs before it is signed. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { rememberPass, requirePassed } from './passed.ts'

const path = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`
const system = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux'
const portable = (name: string) => ({ topLevel: path(name), target: 'portable' as const, system })
const nixos = (name: string) => ({ topLevel: path(name), target: 'nixos' as const, system })
type Current = Parameters<typeof requirePassed>[1]
const current = { configs: { web: portable('one') } } as unknown as Current

async function home(t: TestContext): Promise<{ directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-passed-'))
  t.after(() => rm(directory, { recursive: true }))
  return { directory }
}

const refused = (names: string) => ({ code: 'not-tried', message: new RegExp(`of ${names} as`) })

it('a changed config needs a pass of what it is now, from what runs now', async t => {
  const place = await home(t)
  const next = { web: portable('two') }
  await assert.rejects(requirePassed(place, current, next, true), refused('web'))
  await rememberPass(place, { config: 'web', topLevel: path('two'), from: null }, new Date())
  await assert.rejects(requirePassed(place, current, next, true), refused('web'))
  await rememberPass(
    place,
    { config: 'web', topLevel: path('two'), from: { release: 1, topLevel: path('one') } },
    new Date(),
  )
  assert.deepEqual(await requirePassed(place, current, next, true), [])
  await assert.rejects(requirePassed(place, current, { web: portable('three') }, true), refused('web'))
})

it('what does not change needs none, and what nothing can rehearse is named', async t => {
  const place = await home(t)
  const configs = { web: portable('one'), kiosk: nixos('one') }
  assert.deepEqual(await requirePassed(place, current, configs, true), ['kiosk'])
})

it('of NixOS configs one is demanded only with "all", and of machines of this computer’s kind', async t => {
  const place = await home(t)
  const configs = { kiosk: nixos('one'), other: { ...nixos('one'), system: 'riscv64-linux' } }
  await assert.rejects(requirePassed(place, current, configs, 'all'), refused('kiosk'))
  await rememberPass(place, { config: 'kiosk', topLevel: path('one'), from: null }, new Date())
  assert.deepEqual(await requirePassed(place, current, configs, 'all'), ['other'])
})

it('a config that is new needs a first install', async t => {
  const place = await home(t)
  await rememberPass(place, { config: 'lamp', topLevel: path('lamp'), from: null }, new Date())
  assert.deepEqual(await requirePassed(place, undefined, { lamp: portable('lamp') }, true), [])
})

it('a damaged record counts as none', async t => {
  const place = await home(t)
  await writeFile(join(place.directory, 'tries.json'), '[{"config": 1}]')
  await assert.rejects(requirePassed(place, current, { web: portable('two') }, true), refused('web'))
})
