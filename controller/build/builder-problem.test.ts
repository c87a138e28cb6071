/** Lines as Nix 2.8 and OpenSSH 9.2 print them. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { builderProblem } from './builder-problem.ts'

const lost =
  "error: cannot open connection to remote store 'ssh-ng://thymesh-builder@forge': error: unexpected end-of-file"

it('says why there was no connection, in the words of who refused', () => {
  assert.equal(builderProblem([lost]), lost)
  const refused = 'thymesh-builder@forge: Permission denied (publickey).'
  assert.equal(builderProblem(['copying 2 paths...', refused, lost]), refused)
  const recorded = 'thymesh: sessions of this grant are recorded: a command needs a terminal (ssh -t)'
  assert.equal(builderProblem([recorded, lost]), recorded)
})

it('knows a full disk, whoever notices it', () => {
  const full = "error: creating directory '/nix/store/x.drv.chroot': No space left on device"
  assert.equal(builderProblem([full]), 'its disk is full')
})

it('leaves it to the config where the build failed', () => {
  const failed = "error: builder for '/nix/store/x.drv' failed with exit code 1"
  assert.equal(builderProblem(['sh: foo: Permission denied', failed]), undefined)
})
