/** Sessions of SSH that stand still: an sshd that never answers, and a client that never reads. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openSsh } from '../../node/access/open-access.ts'
import { accessScene, noAccess } from '../helpers/access-scene.ts'
import { testDirectory } from '../helpers/state.ts'
import { until } from '../helpers/until.ts'

/** What a session may hold that nobody reads, in bytes: windows and buffers on the way. */
const heldBytes = 32 * 1024 ** 2

/** A device whose sshd is this script. */
async function scene(t: TestContext, script: string, loginMs?: number) {
  const folder = await testDirectory(t)
  await mkdir(folder, { recursive: true })
  const [sshd, pidFile] = [join(folder, 'sshd'), join(folder, 'pid')]
  await writeFile(sshd, `#!/bin/sh\necho $$ >${pidFile}\n${script}\n`, { mode: 0o755 })
  const find = async () => ({ sshd, sftpServer: undefined })
  const { asker, device, place, change } = await accessScene(t, { find, ...(loginMs && { loginMs }) })
  const stream = await openSsh(asker, device.host.peerId, 'root')
  stream.on('error', () => {})
  /** 0 before it runs. */
  const pid = () => Number(existsSync(pidFile) && readFileSync(pidFile, 'utf8'))
  const isOver = () => !(pid() > 0 && existsSync(`/proc/${pid()}`)) && readdirSync(place).length === 0
  return { stream, pid, isOver, change }
}

describe('a session', { skip: noAccess, timeout: 600_000 }, () => {
  it('whose sshd never answers ends, with all that it has started', async t => {
    const { stream, isOver } = await scene(t, 'trap "" TERM; sleep 1000 & wait; wait', 300)
    await until(() => stream.resume().closed || stream.readableEnded, 'the controller to know')
    await until(isOver, 'its processes and files to be gone')
  })

  it('whose client never reads waits, without a growing buffer, and ends with its grant', async t => {
    const { stream, pid, isOver, change } = await scene(t, 'exec cat /dev/zero')
    stream.pause()
    await until(() => pid() > 0, 'sshd to run')
    const written = () => Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${pid()}/io`, 'utf8'))?.[1])
    let [before, same] = [-1, 0]
    const stands = () => {
      const now = written()
      assert.ok(now < heldBytes, `${now} bytes were taken`)
      same = now > 0 && now === before ? same + 1 : 0
      before = now
      return same === 20
    }
    await until(stands, 'sshd to wait')
    await change([])
    await until(isOver, 'it to end')
  })
})
