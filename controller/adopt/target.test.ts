/** Tests of the script on the machine, with packages that are names in a file: what is taken back is what was installed for it. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { temporaryFolder } from '../../node/files/temporary.ts'

/** They know packages by the lines of a file, all in version 1. */
const programs = {
  'dpkg-query': `for name; do last=$name; done
case $last in
  thymesh) grep -qx thymesh "$PACKAGES" && printf 'installed 1' ;;
  *) sed 's/^/installed /' "$PACKAGES" ;;
esac`,
  'apt-get': `while [ $# -gt 0 ]; do case $1 in install | purge | update) verb=$1; shift; break ;; esac; shift; done
for name; do
  case $name in */package.deb) name=thymesh ;; esac
  [ "$verb" = install ] && echo "$name" >>"$PACKAGES"
  [ "$verb" = purge ] && sed -i "/^$name$/d" "$PACKAGES"
done
exit 0`,
  dpkg: `[ "$1" != --purge ] || sed -i "/^$2$/d" "$PACKAGES"`,
  systemctl: 'exit 0',
}

it('an adoption that is taken back leaves packages that somebody else has installed meanwhile', async () => {
  const folder = await temporaryFolder()
  const place = (path: string) => join(folder.path, path)
  try {
    await mkdir(place('bin'))
    for (const [name, text] of Object.entries(programs)) {
      await writeFile(place(`bin/${name}`), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
    }
    await writeFile(place('packages'), 'bash\n')
    const script = (await readFile(new URL('./target.sh', import.meta.url), 'utf8'))
      .replace('home=/var/lib/thymesh-adopt', `home=${place('home')}`)
      .replace('state=/var/lib/thymesh', `state=${place('state')}`)
      .replaceAll('/etc/thymesh', place('etc'))
      // This computer may have one.
      .replaceAll('! has nix;', 'true;')
    const run = (...words: string[]) => {
      const env = { PATH: `${place('bin')}:${process.env.PATH}`, PACKAGES: place('packages') }
      const ran = spawnSync('sh', ['-c', `${script}\nframed 0a "$@"`, 'sh', ...words], { env, encoding: 'utf8' })
      assert.match(ran.stdout, /0a end 0\n$/, `${ran.stdout}${ran.stderr}`)
    }
    run('begin', 'kiosk', 'f'.repeat(64))
    run('install', '1', 'apt')
    assert.equal(await readFile(place('packages'), 'utf8'), 'bash\nnix-bin\nthymesh\n')
    await writeFile(place('packages'), 'bash\nnix-bin\nthymesh\npostgresql\n')
    run('undo')
    assert.equal(await readFile(place('packages'), 'utf8'), 'bash\npostgresql\n')
  } finally {
    await folder.remove()
  }
})
