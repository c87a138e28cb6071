/** Structured logs with pino, including libp2p's own log lines. */

import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface'
import { destination, type Logger, pino } from 'pino'
import { jsonEscaped } from '../../protocol/encoding/visible.ts'
import { messageOf } from '../../protocol/errors.ts'

export type { Logger }

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * A logger that writes JSON lines to a file descriptor; by default standard error, since standard output is for
 * results.
 */
export function makeLogger(level: LogLevel, fd = 2): Logger {
  const file = destination({ fd, sync: true })
  // Others' text is in names and messages: whoever reads the log at a terminal must not be steered by it.
  const visible = { write: (line: string) => void file.write(jsonEscaped(line)) }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, visible)
}

/**
 * libp2p's logs, at `debug` and `trace` under `libp2p`: its `error` lines are about single streams and dials, which
 * operators needn't see.
 */
export function libp2pLogger(log: Logger): ComponentLogger {
  return { forComponent: name => libp2pScope(log.child({ libp2p: name }), name) }
}

function libp2pScope(log: Logger, name: string): Libp2pLogger {
  const write = (level: 'debug' | 'trace') => {
    // libp2p logs several lines for every message: disabled ones must not be formatted.
    const enabled = log.isLevelEnabled(level)
    return (text: unknown, ...values: unknown[]) => {
      if (enabled) log[level](format(text, values))
    }
  }
  return Object.assign(write('trace'), {
    enabled: log.isLevelEnabled('trace'),
    error: write('debug'),
    trace: write('trace'),
    newScope: (scope: string) => libp2pScope(log, `${name}:${scope}`),
  })
}

/** libp2p's format letters (`%p`, `%a`, `%e` …) without `JSON.stringify`, which throws on some of its values. */
function format(text: unknown, values: unknown[]): string {
  let next = 0
  return String(text).replace(/%[a-zA-Z]/g, letter => (next < values.length ? printable(values[next++]) : letter))
}

function printable(value: unknown): string {
  try {
    return value instanceof Error ? messageOf(value) : String(value)
  } catch {
    return '[unprintable]'
  }
}
