/** Tests of reading Nix's errors: what Nix 2.8 and 2.34 say of the same wrong projects. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readNixError, unlockedInputs } from './nix-errors.ts'

const source = '/nix/store/bphmyrcg7av94yx345vcs224rdnv5zi5-source'
const read = (text: string, folder = source) => readNixError(text.split('\n'), folder)

describe("an error of Nix's", () => {
  it('is found with its place, in the words of Nix 2.8', () => {
    const said = `error: undefined variable 'nonsense'

       at ${source}/modules/undef.nix:3:16:

            2|   displayName = "x";
            3|   settings.a = nonsense;
             |                ^`
    const expected = {
      message: "undefined variable 'nonsense'",
      file: 'modules/undef.nix',
      at: { line: 3, column: 16 },
    }
    assert.deepEqual(read(said), expected)
  })

  it('is found below a trace, in the words of Nix 2.34', () => {
    const said = `error:
       … while calling the 'removeAttrs' builtin
         at ${source}/lib/mk-fleet.nix:33:45:
           32|     };
             |                                             ^
       (stack trace truncated; use '--show-trace' to show the full, detailed trace)

       error: syntax error, unexpected '=', expecting ';'
       at /srv/fleet/modules/syntax.nix:3:14:
            2|   displayName = "x"`
    const expected = {
      message: "syntax error, unexpected '=', expecting ';'",
      file: 'modules/syntax.nix',
      at: { line: 3, column: 14 },
    }
    assert.deepEqual(read(said, '/srv/fleet'), expected)
  })

  it('names the file that our own Nix code names', () => {
    assert.deepEqual(read('error: configs/web.json: modules.web.port: expected a whole number, got "80"'), {
      message: 'modules.web.port: expected a whole number, got "80"',
      file: 'configs/web.json',
      at: undefined,
    })
    const thrown = read(
      `error: no such thing\n\n       … while evaluating the attribute 'a'\n       at ${source}/modules/t.nix:2:3:`,
    )
    assert.deepEqual([thrown.message, thrown.file, thrown.at?.line], ['no such thing', 'modules/t.nix', 2])
  })

  it('has no place in the project where it stands in an input', () => {
    const other = source.replace('bphm', '0000')
    const { message, file } = read(`error: no such thing\n\n       at ${other}/modules/note.nix:1:1:`)
    assert.deepEqual([message, file], ['no such thing', undefined])
  })

  it('says what git said when that failed', () => {
    const said =
      "fatal: '/nowhere' does not appear to be a git repository\nerror: program 'git' failed with exit code 128"
    assert.equal(
      read(said).message,
      "'/nowhere' does not appear to be a git repository\nprogram 'git' failed with exit code 128",
    )
  })

  it('is told from inputs that are not locked', () => {
    const said = [
      "warning: not writing modified lock file of flake 'path:/x':",
      "• Updated input 'thymesh':",
      "    'path:/y?narHash=sha256-x' (1970-01-01)",
      "• Added input 'extra':",
      "• Added input 'extra/deeper':",
    ]
    assert.deepEqual(unlockedInputs(said), ['extra'])
  })

  it('is something also where Nix said nothing', () => {
    assert.equal(read('').message, 'Nix failed and said nothing')
    assert.equal(read('Killed').message, 'Killed')
  })
})
