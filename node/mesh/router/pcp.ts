/** The Port Control Protocol, version 2 (RFC 6887): the question MAP for TCP, and its answer. */

import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { absent, garbled, type Mapping, refused, type Wish } from './asked.ts'
import { askByUdp } from './question.ts'
import type { Router } from './router.ts'

const by = 'PCP'
const version = 2
const map = 1
const response = 0x80
const tcp = 6
const headBytes = 24
const mapBytes = 36
/** UNSUPP_VERSION and UNSUPP_OPCODE: it is another protocol's turn. */
const unsupported = [1, 4]
const meanings: Record<number, string> = {
  2: 'the router allows it to nobody, or the port belongs to somebody else',
  7: 'the router has no network itself',
  8: 'the router has no port left',
  10: 'this machine has all the ports that it may have',
  11: 'the router has no address outside',
  12: 'another NAT is between this machine and the router',
}

/** Rejects with a RouterError. */
export async function mapByPcp(router: Router, wish: Wish, signal: AbortSignal): Promise<Mapping> {
  const read = (answer: Buffer) => readPcp(answer, wish)
  const found = await askByUdp(router, { by, question: pcpQuestion(router, wish), read }, signal)
  const back = { ...wish, outside: found.port, seconds: 0 }
  const end: Mapping['end'] = async signal => {
    await askByUdp(router, { by, question: pcpQuestion(router, back), read: each => readPcp(each, back) }, signal)
  }
  return { by, ...found, end }
}

export function pcpQuestion({ local }: Pick<Router, 'local'>, { port, outside, seconds, nonce }: Wish): Buffer {
  const bytes = Buffer.alloc(headBytes + mapBytes)
  bytes.set([version, map])
  bytes.writeUInt32BE(seconds, 4)
  writeIp(bytes, 8, local)
  bytes.set(nonce, headBytes)
  bytes[headBytes + 12] = tcp
  bytes.writeUInt16BE(port, headBytes + 16)
  bytes.writeUInt16BE(outside, headBytes + 18)
  writeIp(bytes, headBytes + 20, '0.0.0.0')
  return bytes
}

/** Undefined for what isn't the answer to this wish. */
function readPcp(answer: Buffer, wish: Wish): Pick<Mapping, 'port' | 'ip' | 'seconds'> | undefined {
  // A router that speaks only NAT-PMP says so in its own version.
  if (answer.length >= 4 && answer[0] === 0) throw absent(by)
  if (answer.length < headBytes || answer[0] !== version || answer[1] !== (response | map)) return undefined
  const code = answer[3] ?? 0
  if (unsupported.includes(code)) throw absent(by)
  if (code !== 0) throw refused(by, code, meanings)
  if (answer.length < headBytes + mapBytes) throw garbled(by, 'the answer is too short')
  const body = answer.subarray(headBytes)
  if (!equalBytes(body.subarray(0, 12), wish.nonce) || body[12] !== tcp || body.readUInt16BE(16) !== wish.port) {
    return undefined
  }
  const port = body.readUInt16BE(18)
  if (port === 0 && wish.seconds > 0) throw garbled(by, 'the router gave port 0')
  return { port, ip: readIp(body.subarray(20, 36)), seconds: answer.readUInt32BE(4) }
}

/** IPv4 addresses are written as IPv6 ones here: ::ffff:a.b.c.d. */
function writeIp(bytes: Buffer, at: number, ip: string): void {
  bytes.set([0xff, 0xff, ...ip.split('.').map(Number)], at + 10)
}

function readIp(bytes: Buffer): string | undefined {
  const isIpv4 = bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  const ip = bytes.subarray(12).join('.')
  return isIpv4 && ip !== '0.0.0.0' ? ip : undefined
}
