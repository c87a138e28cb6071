/** The device's page for Prometheus on 127.0.0.1. */

import { createServer, type Server } from 'node:http'
import { messageOf } from '../../protocol/errors.ts'
import { expositionType } from '../../protocol/metrics/exposition.ts'
import type { Logger } from '../process/log.ts'

/** Whoever connects sends a request of some lines at once. */
const requestTimeoutMs = 10_000
const maxConnections = 16

export class MetricsPort {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** Undefined if the port is taken: that must not stop the daemon. */
  static async start(port: number, page: () => string, log: Logger): Promise<MetricsPort | undefined> {
    const server = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
      (request, reply) => {
        request.resume()
        // A page of a browser that reaches this port by another name (DNS rebinding) gets nothing.
        const isOwn = /^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/i.test(request.headers.host ?? '')
        if (!isOwn || request.url !== '/metrics') return void reply.writeHead(404).end()
        if (request.method !== 'GET') return void reply.writeHead(405, { Allow: 'GET' }).end()
        reply.writeHead(200, { 'Content-Type': expositionType }).end(page())
      },
    )
    server.maxConnections = maxConnections
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host: '127.0.0.1', port }, resolve)
      })
      return new MetricsPort(server)
    } catch (thrown) {
      log.warn({ port, reason: messageOf(thrown) }, 'no page of metrics: set another port for it')
      return undefined
    }
  }

  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}
