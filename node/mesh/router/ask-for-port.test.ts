/** Tests of asking a router for a port: what the standards say, and routers that lie, hang and shout. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { described, fault, LoopbackRouter, located, type RouterAnswers } from '../../../test/helpers/loopback-router.ts'
import { askForPort } from './ask-for-port.ts'
import type { Mapping, RouterError } from './asked.ts'
import { pcpQuestion } from './pcp.ts'
import { gatewayIn } from './router.ts'

const nonce = new Uint8Array(12).fill(7)
const wish = { port: 4460, outside: 4460, seconds: 3600, nonce }
const limit = () => AbortSignal.timeout(120_000)
const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

async function ask(
  answers: RouterAnswers,
): Promise<{ mapping?: Mapping; code?: string; message?: string; asked: string[] }> {
  await using router = await LoopbackRouter.start(answers)
  try {
    const mapping = await askForPort(router.router, wish, limit())
    await mapping.end(limit())
    return { mapping, asked: router.asked }
  } catch (thrown) {
    const { code, message } = thrown as RouterError
    return { code, message, asked: router.asked }
  }
}

const seen = ({ mapping }: Awaited<ReturnType<typeof ask>>) =>
  mapping && [mapping.by, mapping.ip, mapping.port, mapping.seconds]

/** RFC 6887, sections 7.2 and 11.1: granted for 1800 seconds at 203.0.113.9, port 5000. */
const pcpAnswer = (question: Buffer) =>
  Buffer.concat([
    hex('02 81 00 00'),
    question.subarray(4, 8).every(byte => byte === 0) ? hex('00000000') : hex('00000708'),
    hex('00000001 000000000000000000000000'),
    question.subarray(24, 36),
    hex('06 000000 116c 1388 00000000000000000000ffffcb007109'),
  ])

/** A router that knows nothing but PCP. */
const only = (answer: (question: Buffer) => readonly Buffer[]) => (question: Buffer) =>
  question[0] === 2 ? answer(question) : [hex('00 82 0001 00000000')]

describe('PCP', () => {
  it('asks in the bytes of RFC 6887', () => {
    assert.equal(
      pcpQuestion({ local: '192.168.1.2' }, wish).toString('hex'),
      '0201000000000e1000000000000000000000ffffc0a80102' +
        '07070707070707070707070706000000116c116c00000000000000000000ffff00000000',
    )
  })

  it('has the port that the router gives, and gives it back', async () => {
    const asked: string[] = []
    const pcp = (question: Buffer) => {
      asked.push(question.subarray(4, 8).toString('hex'))
      return [pcpAnswer(question)]
    }
    assert.deepEqual(seen(await ask({ pcp })), ['PCP', '203.0.113.9', 5000, 1800])
    assert.deepEqual(asked, ['00000e10', '00000000'])
  })

  it('ignores rubbish, and answers to others', async () => {
    const pcp = (question: Buffer) => {
      const other = Buffer.concat([pcpAnswer(question).subarray(0, 24), Buffer.alloc(36, 9)])
      return [Buffer.alloc(0), Buffer.from([2]), Buffer.alloc(1100, 0xff), other, pcpAnswer(question)]
    }
    assert.equal((await ask({ pcp })).mapping?.port, 5000)
  })

  it('says why the router refuses', async () => {
    const pcp = only(question => [Buffer.concat([hex('02 81 00 02'), question.subarray(4)])])
    assert.deepEqual(await ask({ pcp }), {
      code: 'refused',
      message: 'PCP: the router allows it to nobody, or the port belongs to somebody else (code 2)',
      asked: [],
    })
  })

  it('has no use for an answer that is cut off, or for port 0', async () => {
    for (const pcp of [
      only(question => [pcpAnswer(question).subarray(0, 40)]),
      only(question => [pcpAnswer(question).fill(0, 42, 44)]),
    ]) {
      assert.equal((await ask({ pcp })).code, 'garbled')
    }
  })
})

describe('NAT-PMP', () => {
  /** A router that knows only NAT-PMP answers PCP with version 0 and code 1. */
  const natPmp = (question: Buffer, port = '1388') => {
    if (question[0] === 2) return [hex('00 81 0001 00000001')]
    if (question[1] === 0) return [hex('00 80 0000 00000001 cb007109')]
    return [Buffer.concat([hex('00 82 0000 00000001 116c'), hex(port), question.subarray(8)])]
  }

  it('is asked when the router knows no PCP', async () => {
    assert.deepEqual(seen(await ask({ pcp: natPmp })), ['NAT-PMP', '203.0.113.9', 5000, 3600])
  })

  it('has a port without an address, too', async () => {
    const pcp = (question: Buffer) => (question[1] === 0 && question[0] === 0 ? [hex('00 80 0003')] : natPmp(question))
    assert.deepEqual(seen(await ask({ pcp })), ['NAT-PMP', undefined, 5000, 3600])
  })

  it('has no use for port 0', async () => {
    assert.equal((await ask({ pcp: question => natPmp(question, '0000') })).code, 'garbled')
  })
})

describe('UPnP', () => {
  const ssdp: RouterAnswers['ssdp'] = http => [{ text: located(`${http}/root.xml`) }]
  /** A router whose actions answer as `act` says: a code of an error, or a body. */
  const igd = (act: (action: string, body: string) => number | string, control = '/ctl'): RouterAnswers['http'] => {
    return (request, body, response) => {
      if (request.method === 'GET') return void response.end(described(control))
      const answer = act(/<u:(\w+)/.exec(body)?.[1] ?? '', body)
      response
        .writeHead(typeof answer === 'number' ? 500 : 200)
        .end(typeof answer === 'number' ? fault(answer) : answer)
    }
  }
  const ip = '<u:GetExternalIPAddressResponse><NewExternalIPAddress>203.0.113.9</NewExternalIPAddress></u:x>'

  it('maps a port for an hour to this machine, and gives it back', async () => {
    const bodies: string[] = []
    const http = igd((action, body) => {
      bodies.push(body)
      return action === 'GetExternalIPAddress' ? ip : ''
    })
    const { mapping, asked } = await ask({ ssdp, http })
    assert.deepEqual(seen({ mapping, asked } as never), ['UPnP', '203.0.113.9', 4460, 3600])
    assert.deepEqual(asked, ['GET', 'AddPortMapping', 'GetExternalIPAddress', 'DeletePortMapping'])
    assert.match(
      bodies[0] ?? '',
      /<NewExternalPort>4460<.*<NewInternalPort>4460<.*<NewInternalClient>127\.0\.0\.1<.*<NewLeaseDuration>3600</,
    )
  })

  it('takes another port when one is taken, and a permanent one where there are no others', async () => {
    const codes = [718, 725]
    const http = igd(action => (action === 'AddPortMapping' ? (codes.shift() ?? '') : ip))
    const { mapping } = await ask({ ssdp, http })
    assert.equal(mapping?.seconds, undefined)
    assert.ok((mapping?.port ?? 0) >= 49_152)
  })

  it('gives up after some ports, and says the code', async () => {
    const found = await ask({ ssdp, http: igd(() => 718) })
    assert.equal(found.message, 'UPnP: another machine has the port (code 718)')
    assert.equal(found.asked.filter(each => each === 'AddPortMapping').length, 4)
  })

  it('believes no address that is none', async () => {
    const http = igd(action => (action === 'AddPortMapping' ? '' : ip.replace('203.0.113.9', '<b>evil.example</b>')))
    assert.deepEqual(seen(await ask({ ssdp, http })), ['UPnP', undefined, 4460, 3600])
  })

  const never = (request: string) => assert.fail(`a request came: ${request}`)
  const hostile: Record<string, RouterAnswers> = {
    'an answer of another machine': {
      searchMs: 100,
      ssdp: http => [{ text: located(`${http}/root.xml`), from: '127.0.0.3' }],
      http: ({ url = '' }) => never(url),
    },
    'a description on another machine': {
      searchMs: 100,
      ssdp: http => [{ text: located(`${http.replace('127.0.0.2', '127.0.0.3')}/root.xml`) }],
    },
    'no HTTP': {
      searchMs: 100,
      ssdp: () => [{ text: located('file:///etc/passwd') }, { text: located('https://127.0.0.2/') }],
    },
    rubbish: {
      searchMs: 100,
      ssdp: () => [{ text: '' }, { text: '\0'.repeat(9000) }, { text: 'HTTP/1.1 200 OK\r\nLOCATION:' }],
    },
    'actions on another machine': { ssdp, http: igd(() => '', 'http://127.0.0.3:80/ctl') },
    'a redirect': {
      ssdp,
      http: (_, __, response) => void response.writeHead(302, { location: 'http://127.0.0.3/' }).end(),
    },
    'a change of protocols': {
      ssdp,
      http: (_, __, response) =>
        void response.socket?.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    },
    'XML without end': {
      ssdp,
      http: (_, __, response) => {
        const more = () => {
          while (!response.destroyed && response.write('<service>'.repeat(1000)));
          if (!response.destroyed) response.once('drain', more)
        }
        more()
      },
    },
    'a description of nothing': { ssdp, http: (_, __, response) => void response.end('<service>'.repeat(7000)) },
    'a line that ends': { ssdp, http: request => void request.socket.destroy() },
    'no UPnP': {},
  }
  for (const [name, answers] of Object.entries(hostile)) {
    it(`maps nothing with ${name}`, async () => {
      const { mapping, code, message = '' } = await ask(answers)
      assert.equal(mapping, undefined)
      assert.match(code ?? '', /^(absent|garbled)$/)
      assert.doesNotMatch(message, /127\.0\.0|service|</)
    })
  }

  it('ends when it is told to, also while the router hangs', async () => {
    await using router = await LoopbackRouter.start({ ssdp, http: () => told.abort(new Error('told to end')) })
    const told = new AbortController()
    await assert.rejects(askForPort(router.router, wish, told.signal), /told to end/)
  })
})

describe('the default route', () => {
  const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'
  it('is the one with the lowest metric that has a gateway', () => {
    const lines = [
      'tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0',
      'wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
      'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
      'eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0',
    ]
    assert.equal(gatewayIn([head, ...lines, ''].join('\n')), '192.168.1.1')
    assert.equal(gatewayIn([head, lines[0], ''].join('\n')), undefined)
  })
})
