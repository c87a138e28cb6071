/** The demo: a fleet from nothing, two versions, a rollback, and a device that updates when no controller is there. */

import { table } from '../../../controller/format/table.ts'
import { argumentsOf } from '../arguments.ts'
import { askApplication, bootsOnDisk, runningOnDisk } from './device-disk.ts'
import { DemoFleet, deviceNames } from './fleet.ts'
import { cli, until } from './processes.ts'

interface DeviceRow {
  device: string
  release: number | null
  seconds: number | null
  fromControllers: number
  fromNeighbours: number
  running: string
  answer: { version: string; message: string }
}

interface Step {
  step: string
  release: number
  seconds: number
  devices: DeviceRow[]
}

/** The parts of the CLI's JSON that the demo reads. */
interface Rows {
  release: number
  devices: {
    device: string
    release: number | null
    update: { release: number; milliseconds: number; fromControllers: number; fromNeighbours: number } | null
  }[]
}

const { json, keep, web } = argumentsOf('demo', {
  options: {
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    web: { type: 'boolean', default: false },
  },
}).values
const say = (text: string) => {
  if (!json) process.stdout.write(`${text}\n`)
}

const first = deviceNames.slice(0, 5)
const sixth = 'device-6'
const steps: Step[] = []
const began = Date.now()

const fleet = await DemoFleet.make()
try {
  await demo()
  const seconds = (Date.now() - began) / 1000
  say(`\nEverything is as it should be, in ${seconds.toFixed(0)} s.`)
  if (json) process.stdout.write(`${JSON.stringify({ ok: true, seconds, steps })}\n`)
  if (web) {
    say('\nThe fleet goes on. Its page, until you leave with Ctrl-C:')
    await fleet.page()
  }
} catch (thrown) {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  process.stderr.write(`demo: ${message}\n`)
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: message, steps })}\n`)
  process.exitCode = 1
} finally {
  if (keep) {
    await fleet.stop()
    say(`Kept: ${fleet.directory}`)
  } else await fleet.remove()
}

async function demo(): Promise<void> {
  say(`A controller and ${first.length} devices, each with a Nix store of its own.`)
  await fleet.setVersion('1')
  const token = await fleet.token()
  for (const device of first) await fleet.startDevice(device, token)

  const one = await deployed('deploy version 1', '1', ['deploy', '-m', 'version 1'])
  await fleet.setVersion('2')
  await deployed('deploy version 2', '2', ['deploy', '-m', 'version 2'])
  const back = await deployed('roll back', '1', ['rollback'])
  expect(back.running === one.running, 'expected the rollback to run the very system of version 1')

  // The command has ended, and with it the controller: from here on there are devices only.
  const start = Date.now()
  await fleet.startDevice(sixth, token)
  await until(`${sixth} to run what its neighbours run`, 240_000, async () =>
    (await bootsOnDisk(fleet.root(sixth))) === one.running ? true : undefined,
  )
  const seconds = (Date.now() - start) / 1000
  const answer = await askApplication(fleet.root(sixth))
  expect(answer.version === '1', `expected ${sixth} to answer version 1, got ${answer.version}`)
  // Only now a controller comes back, to ask for the sixth's report.
  const report = await until(`${sixth}'s report`, 30_000, async () => {
    const status = await cli<Rows>(fleet.project, fleet.home, ['status'], 60_000)
    return status.devices.find(row => row.device === sixth && row.update !== null)
  })
  const row = rowOf(report, one.running, answer)
  expect(
    row.fromControllers === 0,
    `expected ${sixth} to get nothing from a controller, got ${row.fromControllers} bytes`,
  )
  expect(row.fromNeighbours > 100e6, `expected ${sixth} to get over 100 MB from neighbours, got ${row.fromNeighbours}`)
  show({ step: 'a sixth device joins without a controller', release: back.release, seconds, devices: [row] })
}

/** Runs a deploy or rollback to its end, then looks at each device's own disk and asks its application. */
async function deployed(step: string, version: string, args: string[]): Promise<{ release: number; running: string }> {
  const start = Date.now()
  // The sixth device is declared but not there yet: what is waited for is the first five on their disks.
  const before = await Promise.all(first.map(device => runningOnDisk(fleet.root(device))))
  const waitFor = first.flatMap(device => ['--wait-for', device])
  const result = await cli<Rows>(fleet.project, fleet.home, [...args, '--timeout', '240', ...waitFor], 300_000)
  const rows: DeviceRow[] = []
  for (const [index, device] of first.entries()) {
    const running = await runningOnDisk(fleet.root(device))
    expect(
      running !== undefined && running !== before[index],
      `expected ${device} to run something new, got ${running}`,
    )
    const answer = await askApplication(fleet.root(device))
    expect(answer.version === version, `expected ${device} to answer version ${version}, got ${answer.version}`)
    expect(answer.generation === running, `expected ${device}'s application to come from ${running}`)
    const report = result.devices.find(row => row.device === device)
    expect(report?.release === result.release, `expected ${device} to report release ${result.release}`)
    rows.push(rowOf(report, running, answer))
  }
  const running = rows[0]?.running ?? ''
  expect(
    rows.every(row => row.running === running),
    'expected all devices to run the same system',
  )
  show({ step, release: result.release, seconds: (Date.now() - start) / 1000, devices: rows })
  return { release: result.release, running }
}

function rowOf(report: Rows['devices'][number], running: string, answer: DeviceRow['answer']): DeviceRow {
  return {
    device: report.device,
    release: report.release,
    seconds: report.update === null ? null : report.update.milliseconds / 1000,
    fromControllers: report.update?.fromControllers ?? 0,
    fromNeighbours: report.update?.fromNeighbours ?? 0,
    running,
    answer: { version: answer.version, message: answer.message },
  }
}

function show(step: Step): void {
  steps.push(step)
  const heading = ['DEVICE', 'RELEASE', 'ANSWERS', 'SECONDS', 'FROM CONTROLLER', 'FROM NEIGHBOURS']
  const bytes = (count: number) => `${(count / 1e6).toFixed(1)} MB`
  const lines = step.devices.map(row => [
    row.device,
    String(row.release),
    `version ${row.answer.version}`,
    row.seconds?.toFixed(1) ?? '-',
    bytes(row.fromControllers),
    bytes(row.fromNeighbours),
  ])
  say(`\n== ${step.step}: release ${step.release}, ${step.seconds.toFixed(1)} s\n${table(heading, lines)}`)
}

function expect(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message)
}
