/** A config that this machine can't build, built by the real Nix of a device over a real sshd and the mesh. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { it } from 'node:test'
import { buildConfigs } from '../../controller/build/build-configs.ts'
import { withTree } from '../../controller/project/tree.ts'
import { prepareSsh } from '../../controller/session/ssh-ways.ts'
import { accessScene, noAccess } from '../helpers/access-scene.ts'
import { nixSkip, thisSystem } from './workshop.ts'

/** What is built are texts, by the shell of this processor: the device only has to claim it. */
const system = thisSystem === 'aarch64-linux' ? 'x86_64-linux' : 'aarch64-linux'
const nixConfig = (more: string) =>
  `build-users-group =\nsubstitute = false\nsandbox-paths = /bin /usr /lib /lib64?\nbuilders =\n${more}`

it('is built on the first device that can, and what kept the others is said', {
  skip: noAccess || nixSkip(),
  timeout: 600_000,
}, async t => {
  const scene = await accessScene(t)
  const at = (name: string) => join(scene.mesh.directory, name)
  const write = async (name: string, content: string) => {
    await mkdir(dirname(at(name)), { recursive: true })
    await writeFile(at(name), content)
  }
  const git = (...args: string[]) => execFileSync('git', args, { cwd: at('project'), stdio: 'ignore' })
  const message = async (text: string) => {
    await write('project/configs/pi.json', JSON.stringify({ system, modules: { hello: { text } } }))
    git('add', '-A')
  }
  await write(
    'project/flake.nix',
    '{ inputs.thymesh.url = "path:./nix"; outputs = { self, thymesh, ... }: thymesh.lib.mkFleet { project = self; }; }',
  )
  await write(
    'project/modules/hello.nix',
    '{ settings.text.type = "string"; portable = { settings, ... }: { etc.hello.text = settings.text; }; }',
  )
  git('init', '-q')
  await message('one')
  const claims = async (platforms: string) => {
    await write(
      'nix-of-device',
      `#!/bin/sh\nexport NIX_REMOTE='local?root=${at('device-root')}' NIX_CONFIG='${nixConfig(`extra-platforms = ${platforms}`)}'\nexec nix-daemon "$@"\n`,
    )
    await chmod(at('nix-of-device'), 0o755)
  }
  await claims(system)

  const before = { ...process.env }
  t.after(() => {
    for (const name of ['NIX_CONFIG', 'HOME', 'NIX_REMOTE']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })
  Object.assign(process.env, { NIX_CONFIG: nixConfig(''), HOME: scene.mesh.directory })
  delete process.env.NIX_REMOTE
  const settings = [`IdentityFile ${scene.key}`, 'IdentitiesOnly yes', 'IdentityAgent none', 'BatchMode yes']
  const ssh = await prepareSsh({ openStream: () => scene.open(), wait: 1, settings }, [
    { alias: 'forge', target: { device: 'forge', hostKey: scene.hostKey }, user: 'root' },
  ])
  t.after(() => ssh.stop())

  const notes: string[] = []
  const build = () =>
    withTree({ directory: at('project') }, tree =>
      buildConfigs(tree, ['pi'], {
        ...{ rootsDirectory: at('roots'), store: at('operator') },
        onNote: line => notes.push(line),
        builders: {
          systemOf: () => system,
          released: async () => [],
          buildersFor: () => ['gone', 'forge'].map(device => ({ device, systems: [system], speed: 1 })),
          open: async device => {
            if (device === 'gone') throw new Error("gone isn't in reach")
            const uri = `ssh-ng://root@forge?remote-program=${at('nix-of-device')}`
            return { device, uri, env: { NIX_SSHOPTS: `-F ${ssh.config}` } }
          },
        },
      }),
    )
  const topLevel = (await build()).get('pi') ?? ''
  assert.deepEqual(notes, ["gone doesn't build pi: gone isn't in reach"])
  assert.equal(await readlink(at('roots/pi')), topLevel)
  for (const store of ['operator', 'device-root']) {
    const text = execFileSync('cat', [join(at(store), topLevel, 'system')], { encoding: 'utf8' })
    assert.equal(text, system)
  }

  await claims('')
  await message('two')
  await assert.rejects(build(), {
    code: 'build-failed',
    message: new RegExp(
      `no builder of the fleet does now:\n.*\nforge doesn't build pi: its Nix doesn't build ${system}$`,
    ),
  })
})
