/**
 * Routes for Prometheus: the fleet's metrics, the devices as targets (`http_sd`), and pages of their exporters, read through
 * the mesh, so that a device behind NAT needs no open port.
 */

import type { Context } from 'hono'
import { z } from 'zod'
import { expositionType } from '../../protocol/metrics/exposition.ts'
import { deviceNamed, reach } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import { optionsOf } from './request.ts'

/** Prometheus waits ten seconds for a target, if nothing else is set. */
const reachMs = 4_000

const portSchema = z.int().min(0).max(65_535)
export const targetsOptions = z.strictObject({ port: portSchema.default(0) })
export const scrapeOptions = z.strictObject({ device: z.string().max(63), port: portSchema })
export const noOptions = z.strictObject({})

export async function fleetPage(context: Context, { session }: { session: Session }): Promise<Response> {
  noOptions.parse(optionsOf(context, noOptions))
  const { fleetExposition } = await import('../queries/fleet-metrics.ts')
  return pageOf(context, fleetExposition(session.peer))
}

/** One target for each device. Its address is this API's, and its path leads to the device. */
export function targets(context: Context, { session }: { session: Session }): Response {
  const { port } = targetsOptions.parse(optionsOf(context, targetsOptions))
  const host = context.req.header('host') ?? ''
  const devices = session.peer.directory.certificates().filter(({ role }) => role === 'device')
  return context.json(
    devices.map(({ name, site }) => ({
      targets: [host],
      labels: {
        __metrics_path__: `/v1/scrape/${name}/${port}`,
        // Else all targets had this one address as their name.
        instance: port === 0 ? name : `${name}:${port}`,
        device: name,
        site: site ?? '',
      },
    })),
  )
}

/** A page of a device: of an exporter on its loopback address, or with port 0 of its daemon. */
export async function scrape(context: Context, { session }: { session: Session }): Promise<Response> {
  const { device: name, port } = scrapeOptions.parse(optionsOf(context, scrapeOptions))
  const { peer } = session
  const device = deviceNamed(peer, name)
  await reach(peer, device, reachMs)
  return pageOf(context, await peer.neighbours.scrape(device.peer, port, context.req.raw.signal))
}

function pageOf(context: Context, page: string | Uint8Array): Response {
  return context.body(typeof page === 'string' ? page : new Uint8Array(page), 200, { 'Content-Type': expositionType })
}
