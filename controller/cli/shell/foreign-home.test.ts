/** Tests of who may work in an operator's folder. */

import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { temporaryFolder } from '../../../node/files/temporary.ts'
import { requireOwnersController } from './foreign-home.ts'

it("leaves another user's folder to their controller", async () => {
  const folder = await temporaryFolder()
  try {
    const { uid } = await stat(folder.path)
    const nobody = async () => undefined
    await requireOwnersController(folder.path, nobody, uid)
    await requireOwnersController(join(folder.path, 'none'), nobody, uid + 1)
    await requireOwnersController(folder.path, async () => '`thymesh serve` (process 1)', uid + 1)
    await assert.rejects(requireOwnersController(folder.path, nobody, uid + 1), { code: 'try-needs' })
  } finally {
    await folder.remove()
  }
})
