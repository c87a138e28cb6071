/** What sshd is told where a session is recorded: nothing of the user's runs before the recording. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { KeyRights } from '../../protocol/release/access.ts'
import { authorizedKeys, sshdConfig } from './sshd-config.ts'

const rights = (record: boolean): KeyRights => ({
  ...{ operators: ['ada'], may: ['exec', 'files', 'shell'], record, until: undefined },
})
const files = (...all: [string, KeyRights][]) => ({
  ...{ directory: '/run/s/1', user: 'bob', pam: false, sftpServer: '/usr/lib/sftp-server' },
  rights: new Map(all),
})

it('a recorded session starts in a home without files of the user, and each of its keys by a script', () => {
  const both = files(['ssh-ed25519 A', rights(true)], ['ssh-ed25519 B', rights(false)])
  assert.match(sshdConfig(both), /^SetEnv PATH=\S+ HOME=\/run\/s\/1$/m)
  assert.match(sshdConfig(both), /^MaxSessions 1$/m)
  const [recorded, other] = authorizedKeys(both).split('\n')
  assert.match(recorded ?? '', /command="\/bin\/sh \/run\/s\/1\/recorded shell exec files" ssh-ed25519 A$/)
  assert.match(other ?? '', /command="\/bin\/sh \/run\/s\/1\/session shell exec files" ssh-ed25519 B$/)
})

it('without a recorded key nothing of it is there', () => {
  const plain = files(['ssh-ed25519 B', rights(false)])
  assert.doesNotMatch(sshdConfig(plain), /HOME=/)
  assert.equal(authorizedKeys(plain), 'restrict,pty ssh-ed25519 B\n')
})
