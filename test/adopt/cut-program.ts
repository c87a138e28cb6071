/**
 * A controller that is cut off, or cancelled, before and after each step of an adoption; for the test, which runs it on the
 * machine's network. One line of JSON a run.
 *
 * `cut-program.ts PROJECT OPTIONS-AS-JSON cut|cancel [STEP …]`
 */

import { spawnSync } from 'node:child_process'
import { Ssh } from '../../controller/adopt/ssh.ts'
import { adoptOptions } from '../../controller/api/schemas/adopt.ts'
import { adopt } from '../../controller/orders/adopt.ts'
import { openProject } from '../../controller/project/project.ts'
import { startSession } from '../../controller/session/session.ts'
import { ThymeshError } from '../../protocol/errors.ts'

const [directory = '', json = '', how = '', ...places] = process.argv.slice(2)
const project = await openProject(directory)
const given = JSON.parse(json) as { destination: string; sshOptions: string[] }
const session = await startSession(project)

/** `before copy`, `after copy`, or `never`. */
async function run(place: string): Promise<void> {
  const ssh = await Ssh.connect(given, { asks: false })
  const cancel = new AbortController()
  const notes: string[] = []
  let reached = false
  const end = () => {
    reached = true
    if (how === 'cancel') cancel.abort(new ThymeshError('cancelled', 'cancelled'))
    else killMaster(ssh.control)
  }
  const talk = {
    signal: cancel.signal,
    note: (text: string) => {
      notes.push(text)
      if (place === `after ${/^Done: (.*)\.$/.exec(text)?.[1]}`) end()
    },
    detail: () => {},
    step: (name: string) => {
      if (place === `before ${name}`) end()
    },
    activities: () => {},
    progress: () => {},
  }
  const options = adoptOptions.parse({ ...given, project: project.directory, control: ssh.control })
  const outcome = await adopt(session, options, talk).then(
    result => ({ result }),
    (thrown: unknown) => ({ code: thrown instanceof ThymeshError ? thrown.code : 'failed', message: String(thrown) }),
  )
  ssh.close()
  process.stdout.write(`${JSON.stringify({ place, reached, ...outcome, notes })}\n`)
}

/** As a power cut of the link: nothing is said to the other side. */
function killMaster(control: string): void {
  const asked = spawnSync('ssh', ['-o', `ControlPath=${control}`, '-O', 'check', '--', given.destination], {
    encoding: 'utf8',
  })
  const pid = Number(/pid=(\d+)/.exec(asked.stdout + asked.stderr)?.[1])
  process.kill(pid, 'SIGKILL')
}

for (const place of places) await run(place)
await session.stop()
process.exit(0)
