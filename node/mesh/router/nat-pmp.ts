/** The NAT Port Mapping Protocol (RFC 6886): asks for a TCP port, and for the router's address outside. */

import { absent, garbled, type Mapping, refused, type Wish } from './asked.ts'
import { askByUdp } from './question.ts'
import type { Router } from './router.ts'

const by = 'NAT-PMP'
const response = 128
const askIp = 0
const mapTcp = 2
/** Unsupported version, and unsupported opcode. */
const unsupported = [1, 5]
const meanings: Record<number, string> = {
  2: 'the router allows it to nobody',
  3: 'the router has no network itself',
  4: 'the router has no port left',
}

/** Rejects with a RouterError. */
export async function mapByNatPmp(router: Router, wish: Wish, signal: AbortSignal): Promise<Mapping> {
  const read = (answer: Buffer) => readMapped(answer, wish)
  const found = await askByUdp(router, { by, question: mapQuestion(wish), read }, signal)
  const end: Mapping['end'] = async signal => {
    const back = { ...wish, outside: 0, seconds: 0 }
    await askByUdp(router, { by, question: mapQuestion(back), read: each => readMapped(each, back) }, signal)
  }
  // It has the port either way, and others say from where they see it.
  const ip = await askByUdp(router, { by, question: Buffer.from([0, askIp]), read: readIp }, signal).catch(() => {})
  return { by, ...found, ip: ip ?? undefined, end }
}

function mapQuestion({ port, outside, seconds }: Pick<Wish, 'port' | 'outside' | 'seconds'>): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.set([0, mapTcp])
  bytes.writeUInt16BE(port, 4)
  bytes.writeUInt16BE(outside, 6)
  bytes.writeUInt32BE(seconds, 8)
  return bytes
}

/** Undefined for what isn't the answer to this wish. */
function readMapped(
  answer: Buffer,
  wish: Pick<Wish, 'port' | 'seconds'>,
): Pick<Mapping, 'port' | 'seconds'> | undefined {
  if (!isAnswer(answer, mapTcp)) return undefined
  if (answer.length < 16) throw garbled(by, 'the answer is too short')
  if (answer.readUInt16BE(8) !== wish.port) return undefined
  const port = answer.readUInt16BE(10)
  if (port === 0 && wish.seconds > 0) throw garbled(by, 'the router gave port 0')
  return { port, seconds: answer.readUInt32BE(12) }
}

function readIp(answer: Buffer): string | undefined {
  return isAnswer(answer, askIp) && answer.length >= 12 ? answer.subarray(8, 12).join('.') : undefined
}

function isAnswer(answer: Buffer, question: number): boolean {
  if (answer.length < 4 || answer[0] !== 0 || answer[1] !== (response | question)) return false
  const code = answer.readUInt16BE(2)
  if (unsupported.includes(code)) throw absent(by)
  if (code !== 0) throw refused(by, code, meanings)
  return true
}
