/** The web page of an installed package: a controller on the machine serves it, with its scripts. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { main } from '../helpers/program.ts'
import type { LabHost } from '../lab/host.ts'

/** Founds a fleet in a folder of this computer, which has the Git that it takes. */
export function makeTrial(folder: string): void {
  const env = { ...process.env, THYMESH_HOME: join(folder, 'home') }
  const args = ['init', join(folder, 'project'), '--name', 'trial', '--no-passphrase', '--no-mdns', '--json']
  execFileSync(process.execPath, [main, ...args], { env })
}

/** Fails unless the package below the prefix serves the page of the fleet in the machine's folder. */
export async function servesPage(host: LabHost, prefix: string, folder: string): Promise<void> {
  const node = [`${prefix}/lib/thymesh/node/bin/node`, '--input-type=module', '-e', visit]
  const env = { THYMESH_HOME: `${folder}/home` }
  const types = await host.must([...node, `${prefix}/bin/thymesh`, `${folder}/project`], { env })
  assert.equal(types, 'text/html; charset=utf-8, text/javascript; charset=utf-8')
}

/** Prints the types of the document and of its first script. */
const visit = `
  import { spawn } from 'node:child_process'
  import { once } from 'node:events'
  const [program, project] = process.argv.slice(1)
  const options = { stdio: ['ignore', 'pipe', 'inherit'] }
  const web = spawn(program, ['web', '--print', '--json', '--port', '0', '--project', project], options)
  process.once('exit', () => web.kill('SIGKILL'))
  const [line] = await once(web.stdout.setEncoding('utf8'), 'data')
  const { address, error } = JSON.parse(line)
  if (error) throw new Error(error.message)
  const get = async path => {
    const response = await fetch(new URL(path, address))
    return [response.ok ? response.headers.get('content-type') : response.status, await response.text()]
  }
  const [type, text] = await get('/')
  const [scriptType] = await get(/<script [^>]*src="([^"]+)"/.exec(text)[1])
  const ended = once(web, 'exit')
  web.kill()
  await ended
  process.stdout.write(type + ', ' + scriptType)`
