/** Tests of editing a user's flake.nix: both forms, and hands off everything else. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { flakeFile } from '../project/template.ts'
import { addInput, inputNames, removeInput } from './flake-text.ts'

const block = `{
  inputs = {
    thymesh.url = "github:thymesh/thymesh?dir=nix";
    nixpkgs.url = "nixpkgs"; # pinned by the lock file
  };

  outputs = { self, thymesh, ... }: thymesh.lib.mkFleet { project = self; };
}
`

describe("a flake's inputs", () => {
  for (const [form, text] of [
    ['as init writes it', flakeFile('orchard')],
    ['in a block', block],
  ] as const) {
    it(`are added and removed ${form}, and nothing else changes`, () => {
      const added = addInput(text, 'extra', 'git+https://example.org/extra')
      assert.deepEqual(inputNames(added), [...inputNames(text), 'extra'])
      const lines = added.split('\n').filter(line => !text.split('\n').includes(line))
      assert.equal(lines.length, 1)
      assert.match(lines[0] ?? '', /^ +(?:inputs\.)?extra\.url = "git\+https:\/\/example\.org\/extra";$/)
      assert.equal(removeInput(added, 'extra'), text)
      assert.throws(() => addInput(added, 'extra', 'x'), withCode('input-exists', /extra/))
    })
  }

  it('are left to their owner in any other form, with the line to write', () => {
    const odd = '{ inputs.thymesh = { url = "x"; }; outputs = inputs@{ self, ... }: { }; }'
    assert.throws(
      () => addInput(odd, 'extra', 'x'),
      (thrown: Error & { hint?: string }) => {
        withCode('flake-form', /form that this command can't edit/)(thrown)
        return /inputs\.extra\.url = "x";/.test(thrown.hint ?? '')
      },
    )
    const closed = block.replace(', ... }', ' }')
    assert.throws(() => addInput(closed, 'extra', 'x'), withCode('flake-form', /must take further inputs/))
    const named = block.replace('self, thymesh', 'self, nixpkgs, thymesh')
    assert.throws(() => removeInput(named, 'nixpkgs'), withCode('flake-form', /take nixpkgs as an argument/))
    assert.throws(() => removeInput(block, 'nothing'), withCode('no-such-input', /nothing/))
    assert.throws(() => addInput(block, 'a b', 'x'), withCode('flake-form'))
    assert.throws(() => addInput(block, 'a', 'x"; evil = "'), withCode('flake-form'))
  })
})
