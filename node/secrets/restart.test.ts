/** Tests of which units are said to read a secret, in a folder that looks like a device. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { it } from 'node:test'
import { unitsReading } from './restart.ts'

it('finds the units of NixOS and of the portable target, their drop-ins and templates', async t => {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-units-'))
  t.after(() => rm(root, { recursive: true }))
  const files = {
    'etc/systemd/system/nixos.service': 'EnvironmentFile=/run/thymesh/secrets/db\n',
    'etc/systemd/system/package.service.d/overrides.conf': 'LoadCredential=db:/run/thymesh/secrets/db\n',
    'etc/systemd/system/other.service': 'EnvironmentFile=/run/thymesh/secrets/db.1a2b3c4d\n',
    'etc/systemd/system/notes.txt': '/run/thymesh/secrets/db\n',
    'generation/units/portable.service': "ExecStart=/bin/cat '/run/thymesh/secrets/db'\n",
    'run/systemd/system/many@.service': 'EnvironmentFile=/run/thymesh/secrets/db\n',
    'run/systemd/system/plain.service': 'ExecStart=/bin/true\n',
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  await symlink(join(root, 'generation/units/portable.service'), join(root, 'run/systemd/system/portable.service'))

  assert.deepEqual(await unitsReading(['db'], root), [
    'many@*.service',
    'nixos.service',
    'package.service',
    'portable.service',
  ])
  assert.deepEqual(await unitsReading(['d'], root), [])
})
