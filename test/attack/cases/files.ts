/** A user of the device against root's copies in a folder of hers: links, hard links, pipes, and swaps while it runs. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { linkSync, lstatSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { artifactText, FilesScene, shells } from '../files-scene.ts'

/** Runs while the user swaps things. */
const tries = 25

/** The file is there, of its owner and mode, and no link. */
async function isPlaced(scene: FilesScene, path: string): Promise<void> {
  const found = lstatSync(path)
  assert.ok(found.isFile(), 'it is no file')
  assert.deepEqual([found.uid, (found.mode & 0o777).toString(8)], [FilesScene.user, '644'])
  assert.equal(await readFile(path, 'utf8'), artifactText)
  await scene.vaultIsWhole()
  scene.nothingLeaked()
}

/** With each shell that runs the unit's script, on a machine of its own. */
function onEach(run: (scene: FilesScene, shell: (typeof shells)[number]) => Promise<void>) {
  return async (arena: Arena) => {
    for (const shell of shells) await run(await FilesScene.of(arena.ending), shell)
  }
}

const attacks: Omit<Attack, 'needs'>[] = [
  {
    id: 'files-folder-link',
    power: 'local user',
    tried: "puts a link to root's folder in place of the folder that an artifact or a secret belongs in",
    expected: 'refused, and the message names the link; nothing in the other folder is read, written or made',
    run: onEach(async (scene, shell) => {
      scene.asUser(`ln -s ${scene.vault} data`)
      for (const name of ['shadow', 'new', 'deep/new']) {
        for (const secret of [false, true]) {
          const one = { path: scene.at(`data/${name}`), ...(secret && { secret: true as const }) }
          const { code, stderr } = await scene.apply(shell, one)
          assert.notEqual(code, 0)
          assert.match(stderr, /home\/data to be a folder, found a link|is in the way and isn't Thymesh's/)
        }
      }
      await scene.vaultIsWhole()
      scene.nothingLeaked()
    }),
  },
  {
    id: 'files-file-link',
    power: 'local user',
    tried: "puts a link to root's file in place of a file of the config, and of the copy that is in the making",
    expected: "the links are replaced; root's file keeps its owner, mode and content",
    run: onEach(async (scene, shell) => {
      const path = scene.at('page')
      assert.equal((await scene.apply(shell, { path })).code, 0)
      scene.asUser(
        `rm -f page; for name in page page.thymesh-new .thymesh-new; do ln -s ${scene.vaultFile} $name; done`,
      )
      const { code, stderr } = await scene.apply(shell, { path })
      assert.equal(code, 0, stderr)
      await isPlaced(scene, path)
    }),
  },
  {
    id: 'files-removal-link',
    power: 'local user',
    tried: "swaps its folder for a link to root's, before a config without the file takes it away",
    expected: "root's file of that name stays",
    run: onEach(async (scene, shell) => {
      assert.equal((await scene.apply(shell, { path: scene.at('data/shadow') }, { path: scene.at('other') })).code, 0)
      scene.asUser(`mv data old; ln -s ${scene.vault} data`)
      const { code, stderr } = await scene.apply(shell, { path: scene.at('other') })
      assert.equal(code, 0, stderr)
      await isPlaced(scene, scene.at('other'))
    }),
  },
  {
    id: 'files-swapped-link',
    power: 'local user',
    tried: "swaps its folder and the names in it for links to root's, over and over while root copies",
    expected:
      "each run places the file or fails; root's file keeps its owner, mode and content, and no copy of it is made",
    run: onEach(async (scene, shell) => {
      scene.asUser('mkdir data')
      const targets = [
        ['data', scene.vault],
        ['data/shadow', scene.vaultFile],
        ['data/shadow.thymesh-new', scene.vaultFile],
        ['data/.thymesh-new', scene.vault],
      ] as const
      const swaps = targets.map(([name, target]) =>
        scene.keepsDoing(`mv -T ${name} away.$$ 2>/dev/null; ln -sT ${target} ${name} 2>/dev/null
          rm -f ${name} 2>/dev/null; mv -T away.$$ ${name} 2>/dev/null || mkdir -p data; rm -rf away.$$ 2>/dev/null`),
      )
      try {
        for (let each = 0; each < tries; each++) {
          await scene.apply(shell, { path: scene.at('data/shadow') })
          await scene.vaultIsWhole()
        }
      } finally {
        for (const stop of swaps) await stop()
      }
      scene.nothingLeaked()
    }),
  },
  {
    id: 'files-hard-link',
    power: 'local user',
    tried: "has a hard link to root's file in place of a file of the config",
    expected: "the name gets a file of its own; root's keeps its owner, mode and content",
    run: onEach(async (scene, shell) => {
      const path = scene.at('page')
      assert.equal((await scene.apply(shell, { path })).code, 0)
      unlinkSync(path)
      // Kernels that don't protect hard links let the user make them; here root does it for her.
      for (const name of ['page', 'page.thymesh-new', '.thymesh-new']) linkSync(scene.vaultFile, scene.at(name))
      const { code, stderr } = await scene.apply(shell, { path })
      assert.equal(code, 0, stderr)
      rmSync(scene.at('page.thymesh-new'), { force: true })
      await isPlaced(scene, path)
    }),
  },
  {
    id: 'files-special-file',
    power: 'local user',
    tried: 'puts a pipe, a device and a folder of its own in place of a file, and of the copy that is in the making',
    expected: 'they are replaced; root neither waits for them nor writes into them',
    run: onEach(async (scene, shell) => {
      const path = scene.at('page')
      assert.equal((await scene.apply(shell, { path })).code, 0)
      const kinds = ['mkfifo', 'mkdir', `mknod -m 666`] as const
      for (const make of kinds) {
        for (const name of ['page', '.thymesh-new']) {
          const more = make.startsWith('mknod') ? ['c', '1', '3'] : []
          execFileSync('rm', ['-rf', scene.at(name)])
          execFileSync('sh', ['-euc', `${make} "$0" ${more.join(' ')}`, scene.at(name)])
        }
        const { code, stderr } = await scene.apply(shell, { path })
        assert.equal(code, 0, `${make}: ${stderr}`)
        await isPlaced(scene, path)
      }
      symlinkSync('nowhere', scene.at('.thymesh-new'))
      assert.equal((await scene.apply(shell, { path })).code, 0)
      await isPlaced(scene, path)
    }),
  },
]

export const filesAttacks: Attack[] = attacks.map(attack => ({ ...attack, needs: 'root' }))
