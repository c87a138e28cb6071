/** Makes the bundle that `scripts/test` has the tests run, with the page that was built last; prints its program. */

import { symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { bundle } from './bundle.ts'

const repository = resolve(import.meta.dirname, '../..')
// Beside nix/, where the program looks for it.
const folder = join(repository, 'dist-tests')

await bundle(folder, { page: false })
await symlink(join(repository, 'controller/web/dist'), join(folder, 'page'))
console.log(join(folder, 'thymesh.mjs'))
