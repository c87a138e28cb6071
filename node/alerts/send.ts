/** Sends notices by one channel. */

import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { AlertChannel, TextOrFile } from '../../protocol/alerts/rules.ts'
import { messageOf } from '../../protocol/errors.ts'
import { readUpTo } from '../files/file-io.ts'
import { runProgram } from '../process/run-program.ts'
import { secretBytes, sendTimeoutMs } from './limits.ts'
import { alertmanagerJson, type Notice, summaryOf, textOf, webhookJson } from './message.ts'
import { ChannelFailure, post } from './post.ts'

export interface SendInit {
  /** The channel's name. */
  readonly name: string
  readonly now: Date
  readonly signal: AbortSignal
  /** The folder of programs that channels run. */
  readonly programs?: string
  /** A folder that holds the channels' files, by the last part of their paths: a release can't have any other file read. */
  readonly secrets?: string
}

const defaultPrograms = '/etc/thymesh/alerts'
const json = { 'Content-Type': 'application/json' }

/** Resolves when it was taken. Throws a ChannelFailure. */
export async function send(channel: AlertChannel, notices: readonly Notice[], init: SendInit): Promise<void> {
  const signal = AbortSignal.any([init.signal, AbortSignal.timeout(sendTimeoutMs)])
  if ('exec' in channel) return await run(channel.exec, notices, { ...init, signal })
  const about = { private: channel.private, signal }
  if ('webhook' in channel) {
    const body = JSON.stringify(webhookJson(notices, init.name, init.now))
    return await post({ ...about, url: await urlOf(channel.webhook, init), body, headers: json })
  }
  if ('alertmanager' in channel) {
    const url = `${(await urlOf(channel.alertmanager, init)).replace(/\/+$/, '')}/api/v2/alerts`
    return await post({ ...about, url, body: JSON.stringify(alertmanagerJson(notices, init.now)), headers: json })
  }
  if ('ntfy' in channel) {
    const { title, body } = textOf(notices)
    const isUrgent = notices.some(({ ended, rule }) => !ended && rule.severity === 'critical')
    const headers = {
      'Content-Type': 'text/plain; charset=utf-8',
      // Headers are Latin-1; RFC 2047 is what ntfy reads.
      Title: `=?UTF-8?B?${Buffer.from(title).toString('base64')}?=`,
      Priority: isUrgent ? '5' : '3',
      Tags: notices.every(({ ended }) => ended) ? 'white_check_mark' : 'warning',
    }
    return await post({ ...about, url: await urlOf(channel.ntfy, init), body, headers })
  }
  const { sendMail } = await import('./smtp.ts')
  const { user, password, ...server } = channel.smtp
  const login =
    user !== undefined && password !== undefined ? { user, password: await textIn(password, init) } : undefined
  await sendMail({ ...server, ...(login && { login }), ...about, ...textOf(notices), now: init.now })
}

/** A program of the device itself: a release names it, but can't bring it without the signature of the Nix key. */
async function run(program: string, notices: readonly Notice[], init: SendInit): Promise<void> {
  const file = join(init.programs ?? defaultPrograms, program)
  for (const notice of notices) {
    const { rule, device, site, ended, late } = notice
    const env = {
      PATH: process.env.PATH,
      THYMESH_ALERT: rule.name,
      THYMESH_DEVICE: device,
      THYMESH_SITE: site ?? '',
      THYMESH_SEVERITY: rule.severity,
      THYMESH_STATUS: ended ? 'resolved' : 'firing',
      THYMESH_LATE: late ? '1' : '0',
      THYMESH_SUMMARY: summaryOf(notice),
    }
    const result = await runProgram(file, [], { timeoutMs: sendTimeoutMs, lines: 3, env, signal: init.signal }).catch(
      (thrown: unknown) => {
        throw new ChannelFailure('not-sent', `${file} can't be run: ${messageOf(thrown)}`, { cause: thrown })
      },
    )
    if (result.code !== 0) {
      throw new ChannelFailure(
        'not-sent',
        `${file} ended with ${result.code ?? result.signal}: ${result.output.join(' ')}`,
      )
    }
  }
}

async function urlOf(from: TextOrFile, init: SendInit): Promise<string> {
  const text = await textIn(from, init)
  if (typeof from === 'string' || /^https?:\/\/[^\s/]+\S*$/.test(text)) return text
  throw new ChannelFailure('not-sent', `expected a URL with http or https in ${from.file}`)
}

async function textIn(from: TextOrFile, { secrets }: SendInit): Promise<string> {
  if (typeof from === 'string') return from
  const file = secrets === undefined ? from.file : join(secrets, basename(from.file))
  try {
    const handle = await open(file)
    try {
      return (await readUpTo(handle, secretBytes, 0)).toString().trim()
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    throw new ChannelFailure('not-sent', `${file} can't be read: ${messageOf(thrown)}`, { cause: thrown })
  }
}
