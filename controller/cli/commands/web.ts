/** `thymesh web`: the page of this operator's controller, opened in a browser by a one-time code. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { exists } from '../../../node/files/missing.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { notUnderstood } from '../../api/api-error.ts'
import { callRunning } from '../../api/client.ts'
import { type OpenedWeb, openedWebSchema, webSessionsSchema } from '../../api/schemas/web.ts'
import { socketFile } from '../../api/socket.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { ago, table } from '../../format/table.ts'
import { openProject, type Project } from '../../project/project.ts'
import { withSession } from '../shell/context.ts'
import { untilLeft } from '../shell/leaving.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'

export interface WebOptions extends ProjectOptions {
  /** Only the address: for another machine's browser. */
  print: boolean
  /** False: don't start a browser. */
  open: boolean
  port?: number
}

/** Asks the controller that runs; else it is one itself, until the operator leaves. */
export async function web(options: WebOptions): Promise<number> {
  const project = await openProject(options.project)
  const body = options.port === undefined ? {} : { port: options.port }
  const running = await call(project, { method: 'POST', path: '/v1/web/open', body })
  if (running !== undefined) {
    await show(options, openedWebSchema.parse(running))
    return exitCodes.done
  }
  return await withSession(project, options, async (_, api) => {
    const opened = await api.web.open(options.port)
    return await untilLeft(async left => {
      await show(options, opened)
      note(options, 'The page is served until you leave with Ctrl-C.')
      if (!left.aborted) await once(left, 'abort')
      return exitCodes.done
    }).finally(async () => await (await api.tasks())?.interrupt())
  })
}

export async function sessions(options: ProjectOptions): Promise<undefined> {
  const project = await openProject(options.project)
  const listed = webSessionsSchema.parse((await call(project, { path: '/v1/web/sessions' })) ?? { sessions: [] })
  const rows = listed.sessions.map(({ id, began, used, agent }) => [id, ago(began), ago(used), agent])
  const text =
    rows.length === 0
      ? 'No browser is signed in. Open the page with `thymesh web`.'
      : table(['SESSION', 'BEGAN', 'LAST USED', 'BROWSER'], rows)
  print(options, listed, text)
  return undefined
}

export async function end(options: ProjectOptions & { id: string }): Promise<undefined> {
  const project = await openProject(options.project)
  const ended = await call(project, { method: 'POST', path: '/v1/web/end', body: { id: options.id } })
  if (ended === undefined) {
    throw new HintedError('not-found', 'expected a running controller with a page, found none', {
      hint: 'Nothing has to be ended: browsers reach nothing while no controller runs.',
    })
  }
  print(options, { ended: options.id }, `Ended session ${options.id}.`)
  return undefined
}

/** Nothing where no controller runs. */
async function call(project: Project, request: Parameters<typeof callRunning>[1]): Promise<unknown> {
  const called = await callRunning(socketFile(new FleetHome(project.fleet).stateDirectory), request)
  if (called === 'nobody') return undefined
  if (called === 'left') throw notUnderstood()
  return called.json
}

async function show(options: WebOptions, { address, code }: OpenedWeb): Promise<void> {
  const url = `${address}#code=${code}`
  const browser = options.print || !options.open ? undefined : await browserOf(process.env)
  print(options, { url, address, opened: browser !== undefined }, url)
  note(options, 'This address lets one browser in, once, within a minute. Run the command again for another one.')
  const trouble = browser === undefined ? undefined : await start(browser, url)
  // The page is served all the same: whoever reads this can open it.
  if (trouble !== undefined)
    note(options, `${browser} did not open the page (${trouble}). Open the address yourself, or set BROWSER.`)
  if (browser === undefined && !options.print && options.open) {
    const { port } = new URL(address)
    note(options, `No browser was found here. From another machine: ssh -L ${port}:127.0.0.1:${port} THIS-MACHINE`)
  }
}

/** The program that opens an address, where there is a screen. */
async function browserOf({
  BROWSER,
  DISPLAY,
  WAYLAND_DISPLAY,
  PATH = '',
}: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (BROWSER) return BROWSER
  if (!DISPLAY && !WAYLAND_DISPLAY && process.platform !== 'darwin') return undefined
  const name = process.platform === 'darwin' ? 'open' : 'xdg-open'
  for (const folder of PATH.split(delimiter)) {
    if (folder !== '' && (await exists(join(folder, name)))) return name
  }
  return undefined
}

/** Left alone once it runs: it may be the browser itself. Gives why it does not run. */
async function start(program: string, url: string): Promise<string | undefined> {
  const child = spawn(program, [url], { stdio: 'ignore', detached: true })
  child.unref()
  return await once(child, 'spawn').then(
    () => undefined,
    (thrown: Error) => thrown.message,
  )
}
