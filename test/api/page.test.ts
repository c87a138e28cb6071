/** docs/api.md is what the schemas say, and its examples work. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { ApiServer } from '../../controller/api/server.ts'
import { sampleFiles } from '../../controller/project/template.ts'
import { DeviceApi } from '../../node/api/device-api.ts'
import { apiSockets } from '../../node/api/socket-place.ts'
import { apiPage, apiPageFile } from '../../scripts/src/api-page.ts'
import { siteSample } from '../helpers/known-site.ts'
import { silentLogger } from '../helpers/log.ts'
import { servedProject } from '../helpers/project-api.ts'
import { nixSkip, Workshop } from '../nix/workshop.ts'

describe('docs/api.md', () => {
  it('is made from the schemas', async () => {
    const isFresh = (await readFile(apiPageFile, 'utf8')) === apiPage()
    assert.ok(isFresh, 'docs/api.md is stale: node scripts/src/api-page.ts')
  })

  it('has examples that work', { skip: nixSkip() }, async t => {
    const workshop = new Workshop()
    t.after(() => workshop.remove())
    Object.assign(process.env, workshop.environment, { XDG_CACHE_HOME: workshop.at('/cache') })
    const { file, load } = await servedProject(t, sampleFiles())
    const loopback = await ApiServer.onLoopback(0, 'secret', load)
    t.after(() => loopback.stop())
    const device = await DeviceApi.start(apiSockets(workshop.at('/')), siteSample, silentLogger)
    t.after(() => device?.stop())
    const page = await readFile(apiPageFile, 'utf8')
    const examples = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
      block.trim().split('\n'),
    )
    assert.ok(examples.length >= 5)
    const env = {
      ...{ PATH: process.env.PATH, SOCKET: file, DEVICE: device?.file },
      ...{ TOKEN: 'secret', ADDRESS: `http://127.0.0.1:${loopback.port}` },
    }
    for (const example of examples) {
      const child = spawn('sh', ['-c', example.replace('curl ', 'curl --fail-with-body ')], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
      assert.equal(code, 0, `${example}: ${said}`)
      assert.notEqual(said, '', example)
    }
  })
})
