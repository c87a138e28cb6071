/** Recipients are checked to the last digit: the checksum, the length and the prefix. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { isAgeRecipient } from './age-recipient.ts'

it('takes what age makes, and nothing that only looks like it', async () => {
  const recipient = await identityToRecipient(await generateX25519Identity())
  assert.ok(isAgeRecipient(recipient))
  const other = recipient.endsWith('q') ? 'p' : 'q'
  for (const text of [
    'age1garbage',
    'age1',
    '',
    recipient.toUpperCase(),
    recipient.slice(0, -1),
    `${recipient.slice(0, -1)}${other}`,
    `${recipient}q`,
    recipient.replace('age1', 'agf1'),
  ]) {
    assert.ok(!isAgeRecipient(text), text)
  }
})
