/** Sends a mail by SMTP (RFC 5321), with TLS from the beginning or by STARTTLS (RFC 3207), and AUTH PLAIN (RFC 4954). */

import { randomUUID } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { messageOf } from '../../protocol/errors.ts'
import { replyBytes } from './limits.ts'
import { ChannelFailure, guardedLookup, requireAddress } from './post.ts'

export interface Mail {
  readonly host: string
  readonly port: number
  readonly security: 'tls' | 'starttls' | 'none'
  readonly login?: { readonly user: string; readonly password: string }
  readonly private: boolean
  readonly from: string
  readonly to: readonly string[]
  readonly title: string
  readonly body: string
  readonly now: Date
  readonly signal: AbortSignal
}

/** Resolves when the server has taken it. Throws a ChannelFailure. */
export async function sendMail(mail: Mail): Promise<void> {
  const { host, port, security, login, signal } = mail
  try {
    let talk = new Conversation(await open(mail), signal)
    try {
      await talk.reply(220)
      let features = await talk.hello()
      if (security === 'starttls') {
        if (!/^STARTTLS$/im.test(features)) throw new Error('the server offers no STARTTLS')
        await talk.say('STARTTLS', 220)
        talk = new Conversation(await talk.secure(host), signal)
        features = await talk.hello()
      }
      if (login !== undefined) {
        // A password in the clear would be everybody's.
        if (security === 'none' && !mail.private) throw new Error('a password needs TLS')
        await talk.say(`AUTH PLAIN ${Buffer.from(`\0${login.user}\0${login.password}`).toString('base64')}`, 235)
      }
      await talk.say(`MAIL FROM:<${mail.from}>`, 250)
      for (const to of mail.to) await talk.say(`RCPT TO:<${to}>`, 250)
      await talk.say('DATA', 354)
      await talk.say(`${contentOf(mail)}\r\n.`, 250)
      await talk.say('QUIT', 221).catch(() => {})
    } finally {
      talk.end()
    }
  } catch (thrown) {
    if (thrown instanceof ChannelFailure) throw thrown
    throw new ChannelFailure('not-sent', `no mail by ${host}:${port}: ${messageOf(thrown)}`, { cause: thrown })
  }
}

async function open({ host, port, security, private: allowsPrivate, signal }: Mail): Promise<Socket> {
  if (isIP(host) !== 0) requireAddress(host, allowsPrivate)
  const lookup = guardedLookup(allowsPrivate)
  const servername = isIP(host) === 0 ? { servername: host } : {}
  const socket =
    security === 'tls' ? connectTls({ host, port, lookup, ...servername }) : connect({ host, port, lookup, signal })
  return await connected(socket, security === 'tls' ? 'secureConnect' : 'connect', signal)
}

async function connected(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const fail = (thrown: unknown) => {
      socket.destroy()
      reject(thrown)
    }
    socket.once('error', fail)
    signal.addEventListener('abort', () => fail(signal.reason), { once: true })
    socket.once(event, () => resolve(socket))
  })
}

/** Commands and replies, one after the other. */
class Conversation {
  readonly #socket: Socket
  readonly #signal: AbortSignal
  #text = ''
  #failed: unknown
  #news = Promise.withResolvers<void>()

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket
    this.#signal = signal
    const fail = (thrown: unknown) => {
      this.#failed ??= thrown
      this.#news.resolve()
    }
    socket.on('data', (part: Buffer) => {
      this.#text += part.toString('latin1')
      this.#news.resolve()
      if (this.#text.length > replyBytes) socket.destroy(new Error('the reply of the server is too long'))
    })
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the server has hung up')))
    signal.addEventListener('abort', () => socket.destroy(signal.reason as Error), { once: true })
  }

  async say(line: string, code: number): Promise<string> {
    this.#socket.write(`${line}\r\n`)
    return await this.reply(code)
  }

  async hello(): Promise<string> {
    return await this.say(`EHLO ${/^[a-z0-9.-]+$/i.test(hostname()) ? hostname() : 'localhost'}`, 250)
  }

  /** The texts of a reply, a line each. */
  async reply(code: number): Promise<string> {
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\r?\n/.exec(this.#text)
      if (whole !== null) {
        this.#text = this.#text.slice(whole[0].length)
        const text = whole[0]
          .replace(/\r/g, '')
          .replace(/^\d{3}[- ]?/gm, '')
          .trim()
        if (whole[1] === String(code)) return text
        throw new Error(`expected ${code}, got ${whole[1]} ${text.slice(0, 200)}`)
      }
      if (this.#failed !== undefined) throw this.#failed
      this.#signal.throwIfAborted()
      await this.#news.promise
      this.#news = Promise.withResolvers<void>()
    }
  }

  async secure(host: string): Promise<Socket> {
    // What came before TLS could have been put there by anybody.
    if (this.#text !== '') throw new Error('the server has sent more than its reply before TLS')
    this.#socket.removeAllListeners('data')
    const servername = isIP(host) === 0 ? { servername: host } : {}
    return await connected(connectTls({ socket: this.#socket, ...servername }), 'secureConnect', this.#signal)
  }

  end(): void {
    this.#socket.on('error', () => {})
    this.#socket.end()
    this.#socket.destroySoon()
  }
}

/** A plain text in base64, so that no line of it is too long or begins with a dot. */
function contentOf({ from, to, title, body, now }: Mail): string {
  const encoded = Buffer.from(body).toString('base64')
  return [
    `From: ${from}`,
    `To: ${to.join(', ')}`,
    `Subject: ${encodedWords(title)}`,
    `Date: ${now.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${randomUUID()}@${from.split('@')[1]}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    'Auto-Submitted: auto-generated',
    '',
    ...(encoded.match(/.{1,76}/g) ?? []),
  ].join('\r\n')
}

/** RFC 2047: words of at most 75 characters. */
function encodedWords(text: string): string {
  const words = text.match(/[\s\S]{1,14}/gu) ?? []
  return words.map(word => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ')
}
