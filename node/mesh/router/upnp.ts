/**
 * UPnP's Internet Gateway Device: the router's description, and actions of WANIPConnection by SOAP (its versions 1 and 2).
 * Of the XML only single elements are read, out of bounded text: there is no document, no entity and no reference.
 */

import { randomInt } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { isIPv4 } from 'node:net'
import { absent, garbled, type Mapping, RouterError, refused, type Wish } from './asked.ts'
import { describedServices, descriptionBytes, firstFreePort, routerHttpMs, upnpPortTries } from './limits.ts'
import type { Router } from './router.ts'
import { findDescription, onRouter } from './ssdp.ts'

const by = 'UPnP'
const services = ['WANIPConnection:2', 'WANIPConnection:1', 'WANPPPConnection:1'].map(
  name => `urn:schemas-upnp-org:service:${name}`,
)
/** Another machine has the port, or the router wants it for itself. */
const taken = [718, 724, 729]
const onlyPermanent = 725
const meanings: Record<number, string> = {
  402: 'the router understands the question in another way',
  501: 'the router failed',
  606: 'the router allows it to nobody',
  718: 'another machine has the port',
  728: 'the router has no port left',
}

interface Control {
  readonly service: string
  readonly url: URL
}

/** Rejects with a RouterError. */
export async function mapByUpnp(router: Router, wish: Wish, signal: AbortSignal): Promise<Mapping> {
  const location = await findDescription(router, signal)
  const control = controlIn(await read(location, { method: 'GET' }, signal), location, router)
  const { port, seconds } = await add(control, router, wish, signal)
  const end: Mapping['end'] = async signal => {
    await act(control, 'DeletePortMapping', { NewRemoteHost: '', NewExternalPort: port, NewProtocol: 'TCP' }, signal)
  }
  const said = await act(control, 'GetExternalIPAddress', {}, signal).catch(() => '')
  const ip = elementIn(said, 'NewExternalIPAddress') ?? ''
  return { by, port, seconds, ip: isIPv4(ip) ? ip : undefined, end }
}

/** The standard has no answer that names another port: one that is taken is asked for by trying. */
async function add(
  control: Control,
  { local }: Router,
  wish: Wish,
  signal: AbortSignal,
): Promise<{ port: number; seconds: number | undefined }> {
  let { outside, seconds } = wish
  for (let tries = upnpPortTries; ; tries--) {
    const fields = {
      ...{ NewRemoteHost: '', NewExternalPort: outside, NewProtocol: 'TCP', NewInternalPort: wish.port },
      ...{ NewInternalClient: local, NewEnabled: 1, NewPortMappingDescription: 'thymesh', NewLeaseDuration: seconds },
    }
    try {
      await act(control, 'AddPortMapping', fields, signal)
      return { port: outside, seconds: seconds === 0 ? undefined : seconds }
    } catch (thrown) {
      const code = thrown instanceof Fault ? thrown.number : undefined
      if (code === undefined || tries <= 1) throw thrown
      if (code === onlyPermanent && seconds > 0) seconds = 0
      else if (taken.includes(code)) outside = randomInt(firstFreePort, 65_536)
      else throw thrown
    }
  }
}

/** The first service of the kinds that we know. */
function controlIn(description: string, location: URL, router: Pick<Router, 'address'>): Control {
  const [, ...said] = description.split(/<service>/i, describedServices)
  for (const service of services) {
    const found = said.find(part => elementIn(part, 'serviceType') === service)?.split(/<\/service>/i, 1)[0]
    const path = found && elementIn(found, 'controlURL')
    if (path === undefined) continue
    const url = onRouter(path, router, location)
    if (url === undefined) throw garbled(by, 'the router names another machine')
    return { service, url }
  }
  throw absent(by)
}

class Fault extends RouterError {
  readonly number: number

  constructor(number: number) {
    const { code, message } = refused(by, number, meanings)
    super(code, message)
    this.number = number
  }
}

async function act(
  { service, url }: Control,
  action: string,
  fields: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
): Promise<string> {
  // All values are numbers, addresses and words of ours: none needs to be escaped.
  const given = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
  const body =
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${service}">${given.join('')}</u:${action}></s:Body></s:Envelope>`
  const headers = { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${service}#${action}"` }
  return await read(url, { method: 'POST', headers, body }, signal)
}

/** The text of an element without elements inside, whatever its prefix; undefined if it isn't there. */
function elementIn(xml: string, name: string): string | undefined {
  return new RegExp(`<(?:[\\w-]{1,40}:)?${name}(?:\\s[^<>]{0,200})?>([^<>]{0,500})</`, 'i').exec(xml)?.[1]?.trim()
}

/** The body of an answer. Redirects are not followed. Rejects with a RouterError. */
async function read(
  url: URL,
  { body, ...init }: { method: string; headers?: Record<string, string>; body?: string },
  stop: AbortSignal,
): Promise<string> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(routerHttpMs)])
  const length = { 'content-length': String(Buffer.byteLength(body ?? '')), connection: 'close' }
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(url, { ...init, headers: { ...init.headers, ...length }, agent: false, signal }, resolve)
      // Of an answer that is none, such as 101, Node says nothing but that it is over.
      asked
        .once('error', reject)
        .once('close', () => reject(new Error('it gave no answer')))
        .end(body)
    })
    const text = await boundedText(answer)
    if (answer.statusCode === 200) return text
    const code = Number(elementIn(text, 'errorCode'))
    if (Number.isInteger(code) && code > 0 && code < 1000) throw new Fault(code)
    throw garbled(by, `the router answered with HTTP status ${answer.statusCode}`)
  } catch (thrown) {
    stop.throwIfAborted()
    if (thrown instanceof RouterError) throw thrown
    throw garbled(
      by,
      signal.aborted ? 'the router began to answer, and did not end' : 'the router ended the connection',
    )
  }
}

async function boundedText(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer) {
    bytes += part.length
    if (bytes > descriptionBytes) throw garbled(by, 'the router answered with too much')
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}
