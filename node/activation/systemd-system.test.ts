/** Tests of questions to systemd that it does not answer: no answer is none, and never a good one. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { silentLogger } from '../../test/helpers/log.ts'
import { store } from '../../test/helpers/simulated-life.ts'
import { SystemdSystem } from './systemd-system.ts'

/** A system whose `systemctl` is these lines of shell. */
async function systemWith(t: TestContext, systemctl: string): Promise<{ system: SystemdSystem; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-systemd-'))
  const { PATH = '' } = process.env
  t.after(async () => {
    process.env.PATH = PATH
    await rm(directory, { recursive: true })
  })
  await writeFile(join(directory, 'systemctl'), `#!/bin/sh\n${systemctl}\n`, { mode: 0o755 })
  process.env.PATH = `${directory}:${PATH}`
  const components = { store: { ...store, setProfile: async () => '' }, log: silentLogger }
  return { directory, system: new SystemdSystem(components, { directory }) }
}

describe('systemd that does not answer', () => {
  const lost = 'echo "Failed to connect to bus: No such file or directory" >&2; exit 1'

  it('says nothing about units: they are not taken for well', async t => {
    const { system } = await systemWith(t, lost)
    await assert.rejects(system.units(undefined), /systemctl show ended with code 1: Failed to connect to bus/)
    await assert.rejects(system.unitIsActive('a.service'), /systemctl show ended with code 1/)
  })

  it('gives what it has about units though a name among them is none of a unit', async t => {
    const { system } = await systemWith(t, 'printf "Id=a.service\\nActiveState=active\\n"; exit 1')
    assert.deepEqual(
      (await system.units(undefined)).map(({ name }) => name),
      ['a.service'],
    )
  })

  it('does not end a boot: it is asked again', async t => {
    const { directory, system } = await systemWith(
      t,
      'dir=$(dirname "$0"); [ -e "$dir/asked" ] && exit 0; : >"$dir/asked"; exit 1',
    )
    await system.bootEnds(AbortSignal.timeout(20_000))
    assert.ok(await writeFile(join(directory, 'asked'), '', { flag: 'r+' }).then(() => true))
  })
})
