/** The terminals of this browser: each goes on in the controller, so a lost link, another view or a reload loses nothing. */

import { client, type Failure, failureOf } from './client.ts'
import { openSocket, type PageSocket } from './socket.ts'

export type TerminalState = 'opening' | 'live' | 'lost' | 'elsewhere' | 'over'

export interface ShownTerminal {
  /** Of this page; the controller's own comes with its first answer. */
  readonly key: number
  readonly device: string
  readonly user: string
  readonly state: TerminalState
  readonly id: string | undefined
  readonly recorded: boolean
  readonly failure: Failure | undefined
  /** Why it is over. */
  readonly end: { code: number | null; reason: string | null } | undefined
  /** When the link was lost, by this browser's clock. */
  readonly since: number
}

/** What shows the output: xterm, while the view is open. */
export interface Screen {
  size(): { columns: number; rows: number }
  write(bytes: Uint8Array<ArrayBuffer>): void
  /** Output begins anew; `replay` where it was shown before. */
  reset(replay: boolean): void
}

interface Kept {
  screen: Screen | undefined
  socket: PageSocket | undefined
  /** The offset after the last byte that the screen has. */
  at: number
  heard: number
  beat: ReturnType<typeof setInterval> | undefined
  retry: ReturnType<typeof setTimeout> | undefined
  failures: number
  /** Whether the controller has said that the terminal is there. */
  open: boolean
  /** What was typed before that. */
  early: Uint8Array<ArrayBuffer>[]
  /** Whether it was opened before. */
  again: boolean
}

/** Keys that are typed before the shell is there. */
const maxEarly = 1000
const pieceBytes = 64 * 1024
const beatMs = 5_000
/** A link that doesn't answer for so long is dead, whatever the browser thinks. */
const silentMs = 15_000
const retryMs = [500, 1000, 2000, 4000] as const

let list = $state.raw<readonly ShownTerminal[]>([])
let nextKey = 1
let asked = false
const kept = new Map<number, Kept>()

export const terminals = {
  of(device: string): readonly ShownTerminal[] {
    return list.filter(each => each.device === device)
  },
  /** Those that were open before this page was loaded. */
  async restore(): Promise<void> {
    if (asked) return
    asked = true
    try {
      type Row = { id: string; device: string; user: string; recorded: boolean }
      const { terminals: rows } = await client.get<{ terminals: Row[] }>('/page/terminals')
      for (const row of rows) if (!list.some(({ id }) => id === row.id)) add({ ...row, state: 'lost' })
    } catch (thrown) {
      asked = false
      throw failureOf(thrown)
    }
  },
  open(device: string, user: string): number {
    return add({ device, user, id: undefined, recorded: false, state: 'opening' })
  },
  /** Shows it on this screen until what it gives is called. */
  show(key: number, screen: Screen): () => void {
    const own = kept.get(key)
    if (own === undefined) return () => {}
    own.screen = screen
    own.at = 0
    connect(key)
    return () => {
      if (own.screen !== screen) return
      own.screen = undefined
      leave(own)
    }
  },
  type(key: number, bytes: Uint8Array<ArrayBuffer>): void {
    const own = kept.get(key)
    if (own === undefined) return
    // Before the shell is there it waits; while the link is lost nobody knows what it would be typed into.
    if (own.open) send(own, bytes)
    else if (own.socket !== undefined && own.early.length < maxEarly) own.early.push(bytes)
  },
  resize(key: number, size: { columns: number; rows: number }): void {
    kept.get(key)?.socket?.say({ resize: size })
  },
  /** Here again, after another window had it or the link was lost. */
  take(key: number): void {
    connect(key)
  },
  close(key: number): void {
    const own = kept.get(key)
    own?.socket?.say({ end: true })
    if (own !== undefined) leave(own)
    kept.delete(key)
    list = list.filter(each => each.key !== key)
  },
}

function add(made: Pick<ShownTerminal, 'device' | 'user' | 'id' | 'recorded' | 'state'>): number {
  const key = nextKey++
  kept.set(key, {
    screen: undefined,
    socket: undefined,
    at: 0,
    heard: 0,
    beat: undefined,
    retry: undefined,
    failures: 0,
    open: false,
    early: [],
    again: false,
  })
  list = [...list, { key, failure: undefined, end: undefined, since: Date.now(), ...made }]
  return key
}

function change(key: number, change: Partial<ShownTerminal>): void {
  list = list.map(each => (each.key === key ? { ...each, ...change } : each))
}

/** In pieces that the controller takes: a long text may be pasted. */
function send(own: Kept, bytes: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) own.socket?.socket.send(bytes.subarray(at, at + pieceBytes))
}

function leave(own: Kept): void {
  clearInterval(own.beat)
  clearTimeout(own.retry)
  const { socket } = own
  own.socket = undefined
  own.open = false
  own.early = []
  socket?.socket.close()
}

function connect(key: number): void {
  const own = kept.get(key)
  const shown = list.find(each => each.key === key)
  if (own === undefined || shown === undefined || own.screen === undefined || shown.state === 'over') return
  leave(own)
  const size = own.screen.size()
  const { device, user, id } = shown
  const ask = id === undefined ? { open: { device, user, ...size } } : { attach: { id, from: own.at, ...size } }
  const made = openSocket('/page/terminal', ask, {
    said: message => {
      if (own.socket === made) take(key, own, message)
    },
    bytes: bytes => {
      if (own.socket !== made) return
      own.heard = Date.now()
      own.at += bytes.length
      own.screen?.write(bytes)
    },
    closed: failure => {
      if (own.socket === made) closed(key, own, failure)
    },
  })
  own.socket = made
  own.again = id !== undefined
  own.heard = Date.now()
  own.beat = setInterval(() => {
    made.say({ beat: true })
    const opening = list.find(each => each.key === key)?.state === 'opening'
    if (!opening && Date.now() - own.heard > silentMs) {
      leave(own)
      closed(key, own, undefined)
    }
  }, beatMs)
}

function take(key: number, own: Kept, message: Record<string, unknown>): void {
  own.heard = Date.now()
  own.failures = 0
  if (message.opened !== undefined) {
    const { id, recorded } = message.opened as { id: string; recorded: boolean }
    change(key, { id, recorded, state: 'live', failure: undefined })
    const size = own.screen?.size()
    if (size) own.socket?.say({ resize: size })
    own.open = true
    for (const bytes of own.early.splice(0)) send(own, bytes)
  } else if (typeof message.from === 'number') {
    // What lies between is no longer kept: the rest of a sequence would be shown as text.
    if (message.from !== own.at || message.from === 0) own.screen?.reset(own.again)
    own.at = message.from
  } else if (message.over !== undefined) change(key, { state: 'over', end: message.over as ShownTerminal['end'] })
  else if (message.elsewhere === true) change(key, { state: 'elsewhere' })
}

function closed(key: number, own: Kept, failure: Failure | undefined): void {
  leave(own)
  const shown = list.find(each => each.key === key)
  if (shown === undefined || shown.state === 'over' || shown.state === 'elsewhere') return
  if (failure !== undefined || shown.id === undefined) {
    const lost = { code: 'unreachable', message: 'The controller does not answer.', hint: 'thymesh serve' }
    change(key, { state: 'over', failure: failure ?? lost })
    return
  }
  change(key, { state: 'lost', since: shown.state === 'lost' ? shown.since : Date.now() })
  const wait = retryMs[Math.min(own.failures++, retryMs.length - 1)]
  own.retry = setTimeout(() => connect(key), wait)
}
