/** Fuzz targets for a Nix daemon's answers: the handshake, then two requests, over a stream in odd pieces. */

import { duplexPair } from 'node:stream'
import { StoreError } from '../../../node/store/store-error.ts'
import { WorkerClient } from '../../../node/store/worker/worker-client.ts'
import { WireMessage } from '../../../node/store/worker/worker-wire.ts'
import { testStorePath } from '../../helpers/fleet.ts'
import type { Random } from './random.ts'
import type { Target } from './target.ts'

const magic = 0x6478696f
const last = 0x616c7473
const error = 0x63787470
const next = 0x6f6c6d67
const startActivity = 0x53545254

const path = testStorePath('kiosk')

function greeting(minor: number): Uint8Array {
  const message = new WireMessage().u64(magic).u64((1 << 8) | minor)
  if (minor >= 38) message.strings(['some-feature'])
  if (minor >= 33) message.string(`2.${minor}-fake`)
  if (minor >= 35) message.u64(2)
  return message.u64(last).bytes()
}

const info = new WireMessage()
  .u64(last)
  .bool(true)
  .string('')
  .string('0'.repeat(64))
  .strings([path])
  .u64(0)
  .u64(10)
  .bool(false)
  .strings(['key:sig'])
  .string('')
  .bytes()
const valid = new WireMessage().u64(last).strings([path]).bytes()
const refused = new WireMessage()
  .u64(error)
  .string('Error')
  .u64(0)
  .string('Error')
  .string('no such path')
  .u64(0)
  .u64(1)
  .u64(0)
  .string('a trace')
  .bytes()
const noisy = new WireMessage()
  .u64(next)
  .string('a line')
  .u64(startActivity)
  .u64(1)
  .u64(2)
  .u64(3)
  .string('text')
  .u64(2)
  .u64(0)
  .u64(5)
  .u64(1)
  .string('field')
  .u64(0)
  .bytes()

export const workerTarget: Target = {
  name: 'nix daemon',
  seeds: [21, 34, 38].flatMap(minor => [
    Buffer.concat([greeting(minor), info, valid]),
    Buffer.concat([greeting(minor), noisy, info, noisy, valid]),
    Buffer.concat([greeting(minor), refused, valid]),
  ]),
  refusals: [StoreError],
  async run(bytes, random) {
    const [ours, theirs] = duplexPair()
    for (const end of [ours, theirs]) end.on('error', () => {})
    ours.resume()
    const transport = {
      fromDaemon: theirs,
      toDaemon: theirs,
      failure: undefined,
      destroy: async (reason?: Error) => {
        theirs.destroy(reason)
        ours.destroy()
      },
    }
    writePieces(bytes, random, piece => void ours.write(piece))
    ours.end()
    try {
      const client = await WorkerClient.open(transport)
      await client.queryPathInfo(path)
      await client.queryValidPaths([path])
    } finally {
      await transport.destroy()
    }
  },
}

function writePieces(bytes: Uint8Array, random: Random, write: (piece: Uint8Array) => void): void {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random.below(random.once(2) ? 9 : 4096)
    write(bytes.subarray(at, at + length))
    at += length
  }
}
