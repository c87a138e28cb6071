/** The web application: says as JSON what it is and how long it has run, and shows that on a page. */
import { readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'

const version = '1'
const configFile = process.argv[2] ?? '/etc/web/config.json'
const config = JSON.parse(readFileSync(configFile, 'utf8'))
/** WEB_PORT lets several devices on one machine, with one network, run the same generation. */
const port = Number(process.env.WEB_PORT ?? config.port)
const page = readFileSync(new URL('public/index.html', import.meta.url))

/** The generation that started this process; null outside a Thymesh device. */
function generation() {
  try {
    return readlinkSync('/run/current-system')
  } catch {
    return null
  }
}

const about = { version, message: config.message, pid: process.pid, node: process.version, generation: generation() }

/** Answers one path: its type and its bytes, or nothing. */
function answer(path) {
  if (path === '/') return ['application/json', JSON.stringify({ ...about, uptimeSeconds: process.uptime() })]
  if (path === '/healthz') return ['application/json', JSON.stringify({ ok: true })]
  if (path === '/page') return ['text/html; charset=utf-8', page]
  return undefined
}

const server = createServer((request, response) => {
  const found = answer(new URL(request.url ?? '/', 'http://localhost').pathname)
  response.writeHead(found ? 200 : 404, { 'content-type': found?.[0] ?? 'text/plain', 'cache-control': 'no-store' })
  response.end(found?.[1] ?? 'not found\n')
})

server.listen(port, () => console.log(`web application ${version} listens on port ${server.address().port}`))
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close(() => process.exit(0)))
