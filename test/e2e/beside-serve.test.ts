/** Commands beside the operator's own `serve`: those that write run, and what each prints with --json is as its schema says. */

import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Fleet } from './helpers/fleet.ts'
import { Daemon, until } from './helpers/processes.ts'

/** In their order: each finds what those before it have left. */
const commands: [name: string, ...args: string[]][] = [
  ['status', '--wait', '0'],
  ['members', '--wait', '0'],
  ['releases', '--wait', '0'],
  ['log', '--wait', '0'],
  ['proposals', '--wait', '0'],
  ['site list', '--wait', '0'],
  ['root show'],
  ['key show', '--operator', 'ada'],
  ['device list'],
  ['config list'],
  ['config show', 'hello'],
  ['config set', 'hello', 'displayName', 'Hi'],
  ['config unset', 'hello', 'displayName'],
  ['tag add', 'office'],
  ['tag list'],
  ['tag rename', 'office', 'lab'],
  ['tag remove', 'lab'],
  ['device add', 'second', '--config', 'hello'],
  ['device remove', 'second'],
  ['module list'],
  ['module show', 'hello'],
  ['module add', 'fresh'],
  ['module remove', 'fresh'],
  ['artifact list'],
  ['artifact add', 'README.md', 'about.md'],
  ['artifact remove', 'about.md'],
  ['secret add', 'door', '--random'],
  ['secret list'],
  ['secret identity'],
  ['secret rotate', 'door', '--random'],
  ['secret show', 'door'],
  ['secret rekey'],
  ['secret remove', 'door'],
  ['input list'],
  ['check'],
  ['schema'],
  ['api schema'],
  ['build'],
  ['deploy', '--no-wait', '--timeout', '1', '--force'],
  ['diff'],
  ['token', '--names', 'kiosk-*'],
  ['token list', '--wait', '0'],
  ['members renew', '--wait', '0'],
  ['root propose', '--renew', '--yes'],
  ['site delegate', 'north', '--operator', 'card', '--yes'],
  ['site revoke', 'north', '--yes'],
  ['bundle write', 'news.thymesh', '--wait', '0'],
  ['bundle show', 'news.thymesh'],
  ['bundle verify', 'news.thymesh'],
  ['tasks'],
  ['access list', '--wait', '0'],
  ['alerts list', '--wait', '0'],
  ['peers', '--wait', '0'],
  ['ssh-config'],
]

describe('beside the operator’s own serve', () => {
  it('every command runs, and prints what its schema says', async t => {
    const fleet = await Fleet.prepare()
    t.after(() => fleet.remove())
    await fleet.found()
    const logFile = join(fleet.directory, 'serve.log')
    const daemon = new Daemon([], { cwd: fleet.project, env: fleet.env, logFile, command: 'serve' })
    fleet.onRemove(() => daemon.end())
    await until('the controller to serve', async () => (await readFile(logFile, 'utf8')).includes('in the mesh'))
    await mkdir(fleet.project, { recursive: true })
    for (const [name, ...args] of commands) {
      if (name === 'deploy') await fleet.commit('All of it', {})
      const ended = await fleet.run(...name.split(' '), ...args, '--json')
      assert.ok([0, 2].includes(ended.code ?? -1), `thymesh ${name}: ${ended.stdout}${ended.stderr}`)
      if (name === 'key show')
        await writeFile(join(fleet.project, 'card'), (JSON.parse(ended.stdout) as { card: string }).card)
    }
  })
})
