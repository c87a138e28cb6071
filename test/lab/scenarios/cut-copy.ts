/** A copy of 2 GiB whose cable is pulled in the middle: what the operator is told, what is left there, and how it goes on. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, runToEnd, until } from '../../e2e/helpers/processes.ts'
import type { LabDevice } from '../device.ts'
import type { ClientInit } from './ssh-clients.ts'

const size = 2 * 1024 ** 3
/** Where the file goes on the device. */
export const there = '/var/tmp/large'

export interface Cut extends ClientInit {
  readonly gate: LabDevice
  /** `thymesh cp` of this file. */
  readonly copy: (file: string) => Promise<Ended>
}

/** Resolves to what the operator was told, after how many seconds, and how much was there. */
export async function cutInTheMiddle({ folder, config, env, through, gate, copy }: Cut): Promise<string> {
  const { host } = gate
  const file = join(folder, 'large')
  const large = await open(file, 'w')
  await large.truncate(size)
  for (const at of [0, size / 2, size - 4096]) await large.write(randomBytes(4096), 0, 4096, at)
  await large.close()
  const arrived = async () => Number(await host.must(['sh', '-c', `stat -c %s ${there} 2>/dev/null || echo 0`]))
  try {
    const copying = copy(file)
    await until('half of it to be there', async () => (await arrived()) > size / 2)
    await host.link?.set('down')
    const began = performance.now()
    const cut = await copying
    const seconds = Math.round((performance.now() - began) / 1000)
    assert.notEqual(cut.code, 0, cut.stderr)
    const kept = await arrived()
    assert.ok(kept > size / 2 && kept < size, `${kept} bytes are there`)
    await host.link?.set('up')
    const batch = join(folder, 'batch')
    await writeFile(batch, `put -a ${file} ${there}\n`)
    const argv = ['sftp', '-F', config, '-b', batch, 'gate.trial']
    const [program = '', ...args] = through?.(argv) ?? argv
    await until('sftp to send the rest', async () => {
      const sent = await runToEnd(program, args, { cwd: folder, env })
      return sent.code === 0
    })
    const [own, other] = [
      (await runToEnd('sha256sum', [file], { cwd: folder, env })).stdout,
      await host.must(['sha256sum', there]),
    ].map(each => each.split(' ')[0])
    assert.equal(other, own)
    const told = cut.stderr.trim().split('\n').at(-1) ?? ''
    return `after ${seconds} s: ${told}; ${Math.round((kept / size) * 100)} % were there`
  } finally {
    await host.link?.set('up')
    await host.exec(['rm', '-f', there])
  }
}
