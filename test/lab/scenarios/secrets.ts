/** Secrets on a real machine: in a tmpfs before the units that need them start, also at a boot, and nowhere else. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RolloutJson } from '../../e2e/helpers/fleet.ts'
import { hello } from '../../e2e/helpers/project.ts'
import type { LabDevice } from '../device.ts'
import { LabFleet } from '../fleet.ts'
import { run } from '../run.ts'
import type { Scenario } from './scenario.ts'

/**
 * Units that read a secret write down its hash, in a place that a reboot forgets; one fails where the secret isn't there.
 * The template has no instance until somebody starts one.
 */
const readerModule = `{
  settings.key = { type = "secret"; owner = "daemon"; group = "mail"; mode = "0440"; };
  portable = { settings, thymesh, ... }: let
    needs = { After = thymesh.systemd.secretsReady; Wants = thymesh.systemd.secretsReady; };
    reads = name: {
      Type = "oneshot"; RemainAfterExit = true; User = "daemon"; RuntimeDirectory = name;
      ExecStart = "/bin/sh -ec 'sha256sum <\${settings.key.path} >/run/\${name}/hash'";
    };
  in {
    etc."reader.path".text = settings.key.path;
    units."reader.service" = { Unit = needs; Service = reads "reader"; wantedBy = [ "multi-user.target" ]; };
    units."many@.service" = { Unit = needs; Service = reads "many-%i"; };
  };
  policy = _: { health.settleSeconds = 1; confirm = { deadlineSeconds = 60; peers = 0; }; };
}`

const badModule = `{
  portable = _: { units."bad.service" = {
    Service.Type = "oneshot"; Service.ExecStart = "/bin/false"; wantedBy = [ "multi-user.target" ];
  }; };
  policy = _: { health.settleSeconds = 1; confirm = { deadlineSeconds = 60; peers = 0; }; };
}`

/** A program of the built-in module `bash`, with a secret environment. */
const program = {
  name: 'api',
  script: 'printf %s "$KEY" | sha256sum >/run/api.hash\nexec sleep infinity',
  environmentSecret: 'api',
}

/** A secret for a user that a unit of the same module makes, and for one that the built-in module makes. */
const ownersModule = `{
  settings.own = { type = "secret"; owner = "lamp"; };
  settings.theirs = { type = "secret"; owner = "ada"; };
  portable = { settings, thymesh, ... }: let
    inherit (thymesh.systemd) once secretsReady;
    reads = user: secret: {
      Unit = { After = secretsReady; Wants = secretsReady; };
      Service = { Type = "oneshot"; RemainAfterExit = true; User = user; ExecStart = "/bin/sha256sum \${secret.path}"; };
      wantedBy = [ "multi-user.target" ];
    };
  in {
    etc."owners/own".text = settings.own.path;
    etc."owners/theirs".text = settings.theirs.path;
    units."a-lamp.service" = reads "lamp" settings.own;
    units."a-page.service" = reads "ada" settings.theirs;
    units."z-lamp.service" = once {
      description = "A user"; script = "id lamp || useradd --system lamp"; before = [ secretsReady ];
    };
  };
}`

const first = { key: 'plain-4711-correct-horse', api: 'plain-1234-purple-monkey' }
const second = { key: 'plain-0815-battery-staple', api: first.api }
type Content = typeof first

export const secrets: Scenario = {
  name: 'secrets',
  title:
    'secrets are in a tmpfs before the units that need them start, also at a boot without the mesh, and nowhere else',
  async run(trials) {
    await using fleet = await LabFleet.create('gate')
    const { operator } = fleet
    const gate = await fleet.device({ name: 'gate' })
    const { host } = gate
    const deploy = () => operator.json('deploy', '--timeout', '80')
    await operator.commit('one', { 'configs/hello.json': hello('one') })
    await deploy()

    const give = async (verb: string, name: keyof Content, text: string) => {
      const file = join(operator.directory, name)
      await writeFile(file, text)
      const type = verb === 'add' && name === 'api' ? ['--type', 'environment'] : []
      await operator.json('secret', verb, name, ...type, '--from', file)
    }
    await trials.of('a secret is added', async () => {
      await give('add', 'key', first.key)
      await give('add', 'api', `KEY=${first.api}\n`)
      await operator.commit('two', {
        'modules/reader.nix': readerModule,
        'configs/hello.json': hello('two', { reader: { key: 'key' }, bash: { programs: [program] } }),
      })
      await deploy()
      await haveRead(gate, first)
      await laidWell(gate)
    })
    await trials.of('a secret is rotated', async () => {
      await host.must(['systemctl', 'start', 'many@a.service'])
      const before = { top: await gate.running(), hello: await host.unit('hello.service', 'InvocationID') }
      const api = await host.unit('bash-api.service', 'InvocationID')
      await give('rotate', 'key', second.key)
      await operator.commit('Rotate')
      await deploy()
      await haveRead(gate, second)
      assert.match(await host.must(['cat', '/run/many-a/hash']), new RegExp(hash(second.key)))
      await laidWell(gate)
      assert.deepEqual(
        { top: await gate.running(), hello: await host.unit('hello.service', 'InvocationID') },
        before,
        'the system stays',
      )
      assert.equal(await host.unit('bash-api.service', 'InvocationID'), api, 'who reads another secret runs on')
    })
    await trials.of('an update that drops a secret fails', async () => {
      const top = await gate.running()
      await operator.commit('three', {
        'modules/bad.nix': badModule,
        'configs/hello.json': hello('three', { bad: {}, bash: { programs: [program] } }),
      })
      const { code, stdout, stderr } = await operator.run('deploy', '--timeout', '80', '--json')
      assert.equal(code, 1, stdout + stderr)
      const [row] = (JSON.parse(stdout) as RolloutJson).devices
      assert.deepEqual([row?.state, row?.error?.code], ['rolled-back', 'degraded'], stdout)
      await gate.until('to have gone back', async () => (await gate.running()) === top)
      await haveRead(gate, second)
      await laidWell(gate)
    })
    await trials.of('power cut, and a boot without the mesh', async () => {
      await host.powerCut()
      await host.boot()
      await haveRead(gate, second)
      await laidWell(gate)
      await laidFirst(gate, ['reader.service', 'bash-api.service', 'thymesh.service'])
    })
    await trials.of('a boot without the daemon', async () => {
      await host.must(['systemctl', 'mask', 'thymesh.service'])
      await host.reboot()
      assert.equal(await host.unit('thymesh.service', 'ActiveState'), 'inactive')
      await haveRead(gate, second)
      await laidWell(gate)
      await laidFirst(gate, ['reader.service', 'bash-api.service'])
      await host.must(['systemctl', 'unmask', 'thymesh.service'])
    })
    await trials.of('secrets for users that the same update makes', async () => {
      await host.must(['systemctl', 'start', 'thymesh.service'])
      await operator.commit('owners', {
        'modules/owners.nix': ownersModule,
        'configs/hello.json': hello('owners', {
          reader: { key: 'key' },
          bash: { programs: [program] },
          access: { users: [{ name: 'ada' }], ssh: false },
          owners: { own: 'key', theirs: 'api' },
        }),
      })
      await deploy()
      const belong = async () => {
        for (const [file, owner] of [
          ['own', 'lamp'],
          ['theirs', 'ada'],
        ] as const) {
          const path = await host.must(['cat', `/etc/owners/${file}`])
          assert.equal(await host.must(['stat', '-L', '-c', '%U %a', path]), `${owner} 400`)
        }
        for (const unit of ['a-lamp', 'a-page']) assert.equal(await host.unit(`${unit}.service`, 'Result'), 'success')
        for (const unit of ['a-lamp', 'a-page'])
          assert.equal(await host.unit(`${unit}.service`, 'ActiveState'), 'active')
      }
      await belong()
      await host.powerCut()
      await host.boot()
      await haveRead(gate, second)
      await belong()
    })
    await trials.of('the plaintext is looked for', async () => {
      await host.must(['sh', '-c', 'journalctl --sync; journalctl -o export >/root/journal'])
      const found = await filesWith(gate, [first.key, second.key, first.api])
      // The search finds it where it has to be, so it would find it elsewhere.
      assert.deepEqual(
        [...new Set(found.map(file => file.replace(/secrets\.\w+\/.*/, 'secrets')))],
        ['/run/thymesh/secrets'],
      )
      const places = [operator.store, operator.home, operator.project]
      const { stdout } = await run(['grep', '-rlF', ...patterns([first.key, second.key, first.api]), ...places], {
        timeoutMs: 60_000,
        env: process.env,
      })
      assert.equal(stdout, '')
    })
  },
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const patterns = (texts: readonly string[]) => texts.flatMap(text => ['-e', text])

/** The units have read this content, since the machine is up. */
async function haveRead(gate: LabDevice, { key, api }: Content): Promise<void> {
  const reads = async (unit: string, file: string, content: string) => {
    assert.equal(await gate.host.unit(unit, 'ActiveState'), 'active', await gate.lastLines())
    await gate.until(`to have read its secret by ${unit}`, async () =>
      (await gate.host.exec(['cat', file])).stdout.startsWith(hash(content)),
    )
  }
  await reads('reader.service', '/run/reader/hash', key)
  await reads('bash-api.service', '/run/api.hash', api)
}

/** In a tmpfs, and nobody may read them but who shall. */
async function laidWell({ host }: LabDevice): Promise<void> {
  const path = await host.must(['cat', '/etc/reader.path'])
  assert.match(path, /^\/run\/thymesh\/secrets\/key/)
  assert.equal(await host.must(['stat', '-f', '-c', '%T', path]), 'tmpfs')
  const asked = ['stat', '-L', '-c', '%U:%G %a', path, '/run/thymesh/secrets/api', '/run/thymesh/secrets']
  assert.deepEqual((await host.must(asked)).split('\n'), ['daemon:mail 440', 'root:root 400', 'root:root 711'])
  // One set is there, not that of before too.
  assert.equal(await host.must(['sh', '-c', 'ls -d /run/thymesh/secrets.* | wc -l']), '1')
}

/** At this boot they were laid by their own service, and that had ended when these units started. */
async function laidFirst({ host }: LabDevice, units: readonly string[]): Promise<void> {
  const secretsUnit = 'thymesh-secrets.service'
  assert.equal(await host.unit(secretsUnit, 'Result'), 'success')
  assert.equal(await host.unit(secretsUnit, 'ActiveState'), 'active')
  const laid = Number(await host.unit(secretsUnit, 'ExecMainExitTimestampMonotonic'))
  assert.ok(laid > 0)
  const id = await host.unit(secretsUnit, 'InvocationID')
  assert.match(await host.must(['journalctl', '-o', 'cat', `_SYSTEMD_INVOCATION_ID=${id}`]), /^Installed 2 secrets\.$/m)
  for (const unit of units) {
    const began = Number(await host.unit(unit, 'ExecMainStartTimestampMonotonic'))
    assert.ok(began >= laid, `${unit} started at ${began}, before secrets were there at ${laid}`)
    assert.ok((await host.unit(unit, 'After')).split(' ').includes(secretsUnit), unit)
  }
}

/** Files of the device that hold one of the texts, but for the programs that all machines of the lab share. */
async function filesWith({ host }: LabDevice, texts: readonly string[]): Promise<string[]> {
  const places = ['/etc', '/home', '/nix', '/root', '/run', '/tmp', '/var']
  const script = `grep -rlF -D skip "$@" ${places.join(' ')} 2>/dev/null; true`
  return (await host.must(['sh', '-c', script, 'sh', ...patterns(texts)])).split('\n')
}
