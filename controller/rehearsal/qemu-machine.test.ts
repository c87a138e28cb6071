/** What the machine of a trial in QEMU says where its start script can't do its work; one that boots is in test/lab. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { testDirectory } from '../../test/helpers/state.ts'
import { mustRun } from '../../test/lab/run.ts'
import { QemuMachine } from './qemu-machine.ts'

const fleet = {
  ...{ hasJoined: false, isCalled: false, report: () => undefined },
  journal: async () => undefined,
  metricsPage: async () => undefined,
}
const joining = { name: 'gate', token: `thymesh-join-1.${'A'.repeat(40)}` }

/** A machine whose start script is this, called with its folder, and with `prepare` where it is to make its disk. */
async function machine(t: TestContext, script: string): Promise<QemuMachine> {
  const directory = await testDirectory(t)
  const program = join(directory, 'run')
  await writeFile(program, `#!/bin/sh\nset -eu\n${script}\n`, { mode: 0o755 })
  return await QemuMachine.make({ program, config: 'gate', directory, fleet }, joining)
}

/** A disk with an EFI partition, which nothing boots from. */
const disk = `cd "$1"
  truncate -s 40M gate.img; truncate -s 33M part; mkfs.vfat part >/dev/null
  printf 'label: gpt\\nstart=2048, size=33M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\\n' | sfdisk --quiet gate.img >/dev/null
  dd if=part of=gate.img seek=2048 conv=notrunc status=none; rm part`

it('a disk that has no room, or no partition for the token, is no verdict', async t => {
  const full = machine(t, "echo 'cp: error writing gate.img.new: No space left on device' >&2; exit 1")
  await assert.rejects(full, { code: 'try-needs', message: /no room for the machine: .*No space left/ })
  await assert.rejects(machine(t, 'truncate -s 1M "$1/gate.img"'), { code: 'try-needs', message: /no FAT partition/ })
  const large = machine(t, 'truncate -s 4P "$1/gate.img" || truncate -s 15T "$1/gate.img"')
  await assert.rejects(large, { code: 'try-needs', message: /expected \d+ MiB free for its disk, found \d+/ })
})

it('the token is on its disk, and QEMU that ends at once is told with what it printed', async t => {
  const made = await machine(
    t,
    `if [ "\${2:-}" = prepare ]; then ${disk}; exit; fi; echo "run: qemu-system: not found"; exit 127`,
  )
  const token = await mustRun(['sh', '-c', `mtype -i ${made.place}/gate.img@@1048576 ::/thymesh-join`], {
    ...{ timeoutMs: 60_000, env: process.env },
  })
  assert.equal(token, `token=${joining.token}\nname=gate\n`)
  await assert.rejects(made.switchOn(), { code: 'try-broken', message: /qemu-system: not found/ })
})
