/** A controller with a large fleet that serves the page, as a process of its own: told when a report comes, and asked for its CPU. */

import { servedPage } from '../../../../test/helpers/served-page.ts'

const size = Number(process.argv[2])
const undo: (() => Promise<void>)[] = []
const served = await servedPage({ after: end => void undo.push(end) }, { devices: size })

process.on('message', async (message: { report?: number; ask?: 'cpu' | 'open' }) => {
  const device = served.fleet.devices[(message.report ?? 0) % size]
  if (message.report !== undefined && device !== undefined) {
    await served.controller.directory.addReport(served.fleet.report(device, message.report))
  }
  if (message.ask === 'cpu') process.send?.(process.cpuUsage())
  if (message.ask === 'open') process.send?.({ url: served.open(), address: served.page.address })
})
process.once('disconnect', async () => {
  for (const end of undo.reverse()) await end()
  process.exit()
})
process.send?.('ready')
