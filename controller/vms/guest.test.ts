/** Guests of a device without one that runs: made once, brought up to date after that, and refused where a start would lose something. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { until } from '../../test/helpers/until.ts'
import type { Talk } from '../tasks/talk.ts'
import { prepareGuest } from './guest.ts'
import { type GuestPlan, guestPlanSchema, readGuestPlan } from './guest-plan.ts'
import { VmRecords } from './records.ts'

const talk: Talk = {
  ...{ note: () => {}, detail: () => {}, step: () => {}, activities: () => {}, progress: () => {} },
  signal: new AbortController().signal,
}

/** A guest in QEMU whose program makes a small disk, and says what it is told when it is started. */
async function guest(t: TestContext) {
  const directory = await testDirectory(t)
  const program = join(await testDirectory(t), "it's a program")
  const script = `#!/bin/sh
if [ "\${2:-}" = prepare ]; then truncate -s 1M "$1/box.img"; else echo "$PWD $1 $THYMESH_VM_MEMORY $THYMESH_VM_PROCESSORS"; fi
`
  await writeFile(program, script, { mode: 0o755 })
  const plan: GuestPlan = {
    ...{ v: 1, kind: 'qemu', name: 'box', site: null, token: null, program },
    ...{ memoryMegabytes: 512, diskMegabytes: 512, processors: 3 },
  }
  /** As if it had been made: its disk has a token then, which takes a real one. */
  const made = async () => {
    const records = new VmRecords('', directory)
    await mkdir(records.place('box'), { recursive: true })
    await writeFile(join(records.place('box'), 'box.img'), '')
    const { name, memoryMegabytes, diskMegabytes } = plan
    const about = { name, config: name, memoryMegabytes, diskMegabytes, created: '2026-12-02T00:00:00Z' }
    await records.write(records.place('box'), { v: 1, kind: 'qemu', ...about, program })
  }
  return { directory, plan, made, place: join(directory, 'box') }
}

describe('a guest of a device', () => {
  it('is not made without a token, and nothing of it is left', async t => {
    const { directory, plan } = await guest(t)
    await assert.rejects(prepareGuest(plan, talk, directory), { code: 'vm-needs', message: /join token/ })
    assert.deepEqual(readdirSync(directory), [])
    await assert.rejects(prepareGuest({ ...plan, token: '/nowhere/token' }, talk, directory), { code: 'vm-needs' })
  })

  it('is started by a script with what its plan says today, and its disk grows', async t => {
    const { directory, plan, made, place } = await guest(t)
    await made()
    await prepareGuest({ ...plan, memoryMegabytes: 768, diskMegabytes: 600 }, talk, directory)
    assert.equal(statSync(join(place, 'box.img')).size, 600 << 20)
    execFileSync('sh', [join(place, 'start.sh')])
    // What copies the console may end a moment later.
    const said = () => readFileSync(join(place, 'screen.log'), 'utf8')
    await until(() => said() !== '', 'its console')
    assert.equal(said(), `${place} . 768 3\n`)
    await prepareGuest(plan, talk, directory)
    assert.equal(statSync(join(place, 'box.img')).size, 600 << 20)
    assert.equal((await new VmRecords('', directory).read('box')).diskMegabytes, 600)
  })

  it('keeps its disk from a guest of another kind', async t => {
    const { directory, plan, made, place } = await guest(t)
    await made()
    const { program: _, ...common } = plan as Extract<GuestPlan, { kind: 'qemu' }>
    const container: GuestPlan = { ...common, kind: 'container', root: null, network: 'device' }
    // Where there is no systemd-nspawn, that is said first.
    await assert.rejects(prepareGuest(container, talk, directory), { code: /^(vm-taken|vm-needs|try-root)$/ })
    assert.equal(existsSync(join(place, 'start.sh')), false)
  })

  it('has a plan with bounds', async t => {
    const { plan } = await guest(t)
    const file = join(await testDirectory(t), 'plan.json')
    await writeFile(file, JSON.stringify(plan))
    assert.deepEqual(await readGuestPlan(file), plan)
    for (const wrong of [
      { name: '../box' },
      { processors: 0 },
      { memoryMegabytes: 1 },
      { token: 'here' },
      { more: 1 },
    ]) {
      assert.equal(guestPlanSchema.safeParse({ ...plan, ...wrong }).success, false, JSON.stringify(wrong))
    }
    await writeFile(file, '{"v":1')
    await assert.rejects(readGuestPlan(file))
  })
})
