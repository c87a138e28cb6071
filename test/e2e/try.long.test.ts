/** `thymesh try` on more systemd machines: an update that fails, an installer's Nix, and a rehearsal that is killed. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { cp, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Rehearsed } from '../../controller/api/schemas/rehearsal.ts'
import { poll } from '../helpers/until.ts'
import { labBase } from '../lab/base.ts'
import { labSkip } from '../lab/needs.ts'
import { runToEnd } from './helpers/processes.ts'
import { hello } from './helpers/project.ts'
import { rehearsalMs, rehearsingFleet, remains } from './helpers/rehearsals.ts'

describe('thymesh try', { skip: labSkip() }, () => {
  it('says which step fails and why, on a root that is given', async t => {
    const fleet = await rehearsingFleet(t)
    await fleet.commit('bad', {
      'modules/extra.nix': `{ portable = _: { units."bad.service" = {
        Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
      }; }; }`,
      'configs/hello.json': hello('bad', { extra: {} }),
    })
    const ended = await fleet.runWith({ limitMs: rehearsalMs }, 'try', 'hello', '--root', await labBase(), '--json')
    assert.equal(ended.code, 1, ended.stdout + ended.stderr)
    const { verdict, steps, from } = JSON.parse(ended.stdout) as Rehearsed
    assert.equal(from, null)
    assert.equal(verdict, 'fail')
    const failed = steps.find(({ ok }) => !ok)
    assert.ok(failed?.said.includes('bad.service'), JSON.stringify(steps))
    assert.deepEqual(remains(fleet), [])
  })

  it('takes Nix from the store of this computer, where an installer has put it', async t => {
    const fleet = await rehearsingFleet(t)
    // As such an installer has it, but with the libraries of Debian, which the machine has too.
    const made = await mkdtemp(join(fleet.directory, 'nix-'))
    await mkdir(join(made, 'bin'))
    for (const name of ['nix', 'nix-daemon', 'nix-env', 'nix-store']) {
      await cp('/usr/bin/nix', join(made, 'bin', name), { dereference: true })
    }
    const place = { cwd: tmpdir(), env: { PATH: process.env.PATH } }
    const added = (await runToEnd('nix-store', ['--add', made], place)).stdout.trim()
    t.after(() => runToEnd('nix-store', ['--delete', added], place))
    const env = { PATH: `${added}/bin:${process.env.PATH}` }
    const ended = await fleet.runWith({ limitMs: rehearsalMs, env }, 'try', 'hello', '--no-from', '--json')
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    assert.deepEqual(remains(fleet), [])
  })

  it('leaves nothing when it is killed', async t => {
    const fleet = await rehearsingFleet(t)
    let command: ChildProcess | undefined
    const onStart = (child: ChildProcess) => {
      command = child
      // Once its machine is up.
      child.stderr?.on('data', (text: Buffer) => {
        if (String(text).includes('boot: ok')) child.kill('SIGKILL')
      })
    }
    const ended = await fleet.runWith({ limitMs: rehearsalMs, onStart }, 'try', 'hello', '--no-from')
    assert.equal(ended.code, null, ended.stdout + ended.stderr)
    assert.equal(command?.signalCode, 'SIGKILL')
    const gone = await poll(() => remains(fleet).length === 0, { limitMs: 120_000, everyMs: 500 })
    assert.ok(gone, `what is left: ${remains(fleet).join(', ')}`)
  })
})
