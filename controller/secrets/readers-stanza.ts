/**
 * A stanza in the header of an age file that lists the file's readers. age's X25519 stanzas name nobody, and a list
 * beside a file may come from another branch than the file. Other programs skip an unknown stanza, and the header's MAC
 * covers it.
 */

import type { Recipient } from 'age-encryption'
import { Stanza } from 'age-encryption'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'

const stanzaType = 'thymesh/readers'
/** A header of thousands of recipients; the file's content comes after it. */
const maxHeaderBytes = 1024 * 1024

/** To be added beside the recipients themselves. */
export function readersStanza(recipients: readonly string[]): Recipient {
  return { wrapFileKey: () => [new Stanza([stanzaType], digestOf(recipients))] }
}

/** Whether an age file says that it is for exactly these recipients. One that says nothing may be for anybody. */
export function isFor(file: Uint8Array, recipients: readonly string[]): boolean {
  const header = Buffer.from(file.subarray(0, maxHeaderBytes)).toString('latin1')
  const said = new RegExp(`^-> ${stanzaType}\\n([A-Za-z0-9+/]{43})$`, 'm').exec(
    header.slice(0, header.indexOf('\n---')),
  )
  return said?.[1] !== undefined && equalBytes(Buffer.from(said[1], 'base64'), digestOf(recipients))
}

function digestOf(recipients: readonly string[]): Uint8Array {
  return sha256(Buffer.from([...new Set(recipients)].sort().join('\n')))
}
