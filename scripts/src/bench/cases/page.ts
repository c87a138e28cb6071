/** `page`: what the web page costs: its first load, a fleet of 1,000 devices whose reports come in, and events over 100 reconnects. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, CDPSession } from 'playwright-core'
import { startBrowser } from '../../../../test/helpers/browser.ts'
import type { Bench } from '../bench.ts'
import { listTimes } from '../list-client.ts'
import type { Result } from '../result.ts'

const devices = 1000
const reportsPerSecond = 5
const measureMs = 30_000
const settleMs = 5_000
const requests = 300
const reconnects = 100

export async function page(bench: Bench): Promise<Result> {
  const program = join(import.meta.dirname, '../page/controller-program.ts')
  const controller = fork(program, [String(devices)], { serialization: 'advanced' })
  const browser = await startBrowser()
  try {
    await once(controller, 'message')
    bench.say('  first load')
    const load = await firstLoad(browser.browser, controller)
    bench.say('  reports')
    const cost = await costOfReports(browser.browser, controller)
    bench.say('  requests')
    const [latency, lost] = [await latencies(controller), await eventsLost(controller)]
    return {
      case: 'page',
      bounds: [
        {
          what: 'first load of the page, as it comes over the wire',
          figure: load.bytes.page / 1000,
          unit: 'kB',
          goal: 150,
        },
        { what: 'usable after', figure: load.usableMs, unit: 'ms', goal: 500 },
        {
          what: `browser with ${devices} devices, ${reportsPerSecond} reports/s`,
          figure: cost.browser * 100,
          unit: '% of a core',
          goal: 20,
        },
        { what: 'controller meanwhile', figure: cost.controller * 100, unit: '% of a core', goal: 20 },
        { what: `GET of ${devices} devices, p99`, figure: latency.p99, unit: 'ms', goal: 20 },
        { what: `events lost over ${reconnects} reconnects`, figure: lost.missing, unit: '', goal: 0 },
      ],
      peers: {},
      detail: { ...load, ...latency, events: lost.events },
    }
  } finally {
    await browser.stop()
    controller.disconnect()
    await once(controller, 'exit')
  }
}

async function ask<T>(controller: ChildProcess, question: string): Promise<T> {
  controller.send({ ask: question })
  const [answer] = await once(controller, 'message')
  return answer as T
}

interface Load {
  readonly bytes: { readonly page: number; readonly fleet: number }
  readonly usableMs: number
}

/** All bytes of the first load, and the time to the list of devices from a cold start of the page. */
async function firstLoad(browser: Browser, controller: ChildProcess): Promise<Load> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  // The page's own files, and beside them what the fleet's size decides.
  const bytes = { page: 0, fleet: 0 }
  const ofFleet = new Set<string>()
  session.on('Network.requestWillBeSent', ({ requestId, request }) => {
    if (new URL(request.url).pathname.startsWith('/v1/')) ofFleet.add(requestId)
  })
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    bytes[ofFleet.has(requestId) ? 'fleet' : 'page'] += encodedDataLength
  })
  const { url, address } = await ask<{ url: string; address: string }>(controller, 'open')
  await page.goto(url)
  await page.getByRole('heading', { name: 'Needs you now' }).waitFor()
  const first = { ...bytes }
  const times: number[] = []
  for (let each = 0; each < 5; each++) {
    await page.goto('about:blank')
    const start = performance.now()
    await page.goto(`${address}#/devices`)
    await page.getByText('kiosk-00003').waitFor()
    times.push(performance.now() - start)
  }
  await context.close()
  return { bytes: first, usableMs: times.toSorted((a, b) => a - b)[2] ?? 0 }
}

/** CPU of all processes of the browser and of the controller, as parts of a core. */
async function costOfReports(
  browser: Browser,
  controller: ChildProcess,
): Promise<{ browser: number; controller: number }> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const { url, address } = await ask<{ url: string; address: string }>(controller, 'open')
  await page.goto(url)
  await page.goto(`${address}#/devices`)
  await page.getByText('kiosk-00003').waitFor()
  await sleep(settleMs)
  const session = await browser.newBrowserCDPSession()
  const before = { browser: await cpuOf(session), controller: await ask<NodeJS.CpuUsage>(controller, 'cpu') }
  const start = performance.now()
  while (performance.now() - start < measureMs) {
    report(controller)
    await sleep(1000 / reportsPerSecond)
  }
  const seconds = (performance.now() - start) / 1000
  const after = { browser: await cpuOf(session), controller: await ask<NodeJS.CpuUsage>(controller, 'cpu') }
  await context.close()
  const micros = after.controller.user + after.controller.system - before.controller.user - before.controller.system
  return { browser: (after.browser - before.browser) / seconds, controller: micros / 1e6 / seconds }
}

async function cpuOf(session: CDPSession): Promise<number> {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0)
}

/** A report of the next device comes, as from the mesh; the controller's process makes it, since the fleet's keys are there. */
function report(controller: ChildProcess): void {
  counter += 1
  controller.send({ report: counter })
}

/** Above those that the controller begins with. */
let counter = 10

async function signIn(controller: ChildProcess): Promise<{ address: string; token: string }> {
  const { url, address } = await ask<{ url: string; address: string }>(controller, 'open')
  const body = JSON.stringify({ code: url.split('#code=')[1] })
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
  const { token } = (await (await fetch(`${address}page/session`, init)).json()) as { token: string }
  return { address, token }
}

async function latencies(controller: ChildProcess): Promise<{ p50: number; p99: number }> {
  const { address, token } = await signIn(controller)
  const sorted = (await listTimes(address, '/v1/devices', requests, token)).toSorted((a, b) => a - b)
  return { p50: sorted[Math.floor(requests / 2)] ?? 0, p99: sorted[Math.floor(requests * 0.99)] ?? 0 }
}

/** Reads events, hangs up after each few, and continues by the last ID, while reports come. */
async function eventsLost(controller: ChildProcess): Promise<{ events: number; missing: number }> {
  const { address, token } = await signIn(controller)
  const timer = setInterval(() => report(controller), 5)
  const numbers: number[] = []
  let last: string | undefined
  try {
    for (let each = 0; each <= reconnects; each++) {
      const abort = new AbortController()
      const more: Record<string, string> = last === undefined ? {} : { 'Last-Event-ID': last }
      const response = await fetch(`${address}v1/events`, {
        headers: { Authorization: `Bearer ${token}`, ...more },
        signal: abort.signal,
      })
      let text = ''
      let taken = 0
      for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += part
        const frames = text.split('\n\n')
        text = frames.pop() ?? ''
        for (const frame of frames) {
          const id = /^id: (\S+)$/m.exec(frame)?.[1]
          last = id ?? last
          if (id === undefined || !frame.includes('data:')) continue
          numbers.push(Number(id.split('-')[1]))
          taken += 1
        }
        if (taken >= 5) break
      }
      abort.abort()
    }
  } finally {
    clearInterval(timer)
  }
  const [first = 0] = numbers
  const expected = (numbers.at(-1) ?? 0) - first + 1
  return { events: numbers.length, missing: expected - new Set(numbers).size }
}
