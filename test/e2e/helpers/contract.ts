/** What commands print with `--json` against their schemas, strictly: so every test that runs a command is one of the contract. */

import assert from 'node:assert/strict'
import { commandSchemas } from '../../../controller/api/schemas/commands.ts'
import { errorSchema } from '../../../controller/api/schemas/error.ts'

/** Each line is an object of the command's schema, without a key that it does not name, or an error. */
export function assertContract(args: readonly string[], stdout: string): void {
  const [first = '', second = ''] = args
  const name = Object.hasOwn(commandSchemas, `${first} ${second}`) ? `${first} ${second}` : first
  const schema = commandSchemas[name]
  // `thymesh --help` and what is no command at all.
  if (schema === undefined) return
  for (const line of stdout.split('\n').filter(each => each !== '')) {
    const json = JSON.parse(line) as object
    const parsed = ('error' in json && Object.keys(json).length === 1 ? errorSchema : schema).safeParse(json)
    assert.ok(parsed.success, `thymesh ${name}: ${parsed.error?.message} in ${line.slice(0, 500)}`)
    assert.deepEqual(parsed.data, json, `thymesh ${name} prints what its schema does not name`)
  }
}
