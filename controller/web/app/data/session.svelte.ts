/** Who uses the page: signed in by a one-time code, and with keys that are locked or open for some minutes. */

import { clock } from '../base/clock.svelte.ts'
import { type Channel, openChannel } from './channel.ts'
import { client, type Failure, failureOf } from './client.ts'
import { fleet } from './fleet.svelte.ts'
import type { Link } from './link.ts'
import { isAfter } from './snapshot.ts'

interface PageState {
  readonly id: string
  readonly pid: number
  readonly command: string
  /** The folder of the project. */
  readonly project: string
  readonly fleet: string
  readonly operator: string
  /** Sees everything and signs nothing: there is nothing to unlock. */
  readonly viewer?: boolean
  /** A new root or a revocation has shut this controller out; missing in what an older controller says. */
  readonly cutOff?: 'not-signed' | 'revoked' | 'token-revoked' | null
  readonly sealed: boolean
  readonly unlockedUntil: string | null
  /** By its clock. */
  readonly now: string
}

const kept = 'thymesh.session'

let stage = $state<'starting' | 'out' | 'in'>('starting')
let failure = $state.raw<Failure | undefined>(undefined)
let about = $state.raw<PageState | undefined>(undefined)
let unlockedUntil = $state<number | undefined>(undefined)
let link = $state.raw<Link>({ state: 'connecting', since: Date.now(), heard: 0, slept: 0 })
let channel: Channel | undefined
/** How often the keys were opened and locked here. */
let turn = 0

export const session = {
  get stage() {
    return stage
  },
  /** Why one is signed out, where that is an error. */
  get failure() {
    return failure
  },
  get about() {
    return about
  },
  get link() {
    return link
  },
  get unlockedUntil(): number | undefined {
    return unlockedUntil !== undefined && unlockedUntil > clock.now ? unlockedUntil : undefined
  },

  /** Takes the code of the address, else the token of this tab, else that of another one. */
  async start(): Promise<void> {
    // Whoever is signed out may open the address with a code in the same tab: its document stays, and only the fragment changes.
    window.addEventListener('hashchange', () => {
      if (stage === 'out') void redeem()
    })
    if (await redeem()) return
    const token = sessionStorage.getItem(kept) ?? (await opened().others()).token
    if (token === undefined) stage = 'out'
    else await signIn(token)
  },

  async unlock(passphrase: string | undefined): Promise<void> {
    const body = passphrase === undefined ? {} : { passphrase }
    take(await client.post<{ unlockedUntil: string }>('/page/unlock', body))
    turn++
  },

  async lock(): Promise<void> {
    take(await client.post<{ unlockedUntil: null }>('/page/lock', {}))
    turn++
  },

  /** An order has kept the keys open for longer. */
  async refresh(): Promise<void> {
    await refresh()
  },

  /** Whether this controller is a member still. */
  async look(): Promise<void> {
    await look()
  },

  async leave(): Promise<void> {
    if (about !== undefined) await client.post('/page/end', { id: about.id }).catch(() => {})
    signOut()
  },

  /** The controller has ended this session already. */
  left: signOut,
}

/** Signs in by the code in the address, if there is one. */
async function redeem(): Promise<boolean> {
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1]
  if (code === undefined) return false
  history.replaceState(null, '', `${location.pathname}#/`)
  window.dispatchEvent(new HashChangeEvent('hashchange'))
  try {
    const { token } = await client.post<{ token: string }>('/page/session', { code })
    await signIn(token)
    return true
  } catch (thrown) {
    failure = failureOf(thrown)
    return false
  }
}

/** The stream of events. A browser starts the worker of it when the fleet is on the screen: it would take the time of that. */
function opened(): Channel {
  channel ??= openChannel({
    link: next => {
      const back = next.state === 'live' && link.state !== 'live'
      link = next
      if (next.state === 'signed-out' && stage === 'in') signOut()
      else if (back && stage === 'in') void refresh().catch(() => {})
    },
    events: events => {
      fleet.take(events)
      // With new metadata this controller may be a member no more.
      if (stage === 'in' && events.some(({ kind }) => kind === 'release')) void look().catch(() => {})
    },
  })
  return channel
}

/** What happens after the snapshot comes by the stream; a stream that other tabs have may be ahead of it. */
async function follow(token: string): Promise<void> {
  const { reached } = fleet
  opened().use(token, reached)
  const { told } = await opened().others()
  if (told !== undefined && isAfter(told, reached)) await fleet.load()
}

async function signIn(token: string): Promise<void> {
  client.use(token, signOut)
  const loading = fleet.load()
  try {
    await refresh()
  } catch (thrown) {
    failure ??= failureOf(thrown)
    if (failure.code === 'no-token') failure = undefined
    signOut()
    return
  }
  sessionStorage.setItem(kept, token)
  failure = undefined
  stage = 'in'
  void loading.then(async () => {
    // Signed out meanwhile, or by another token in.
    if (client.token === token) await follow(token)
  })
}

async function refresh(): Promise<void> {
  const before = turn
  const state = await look()
  // An answer from before the keys were opened must not lock them here.
  if (turn === before) take(state)
}

async function look(): Promise<PageState> {
  const asked = Date.now()
  about = await client.get<PageState>('/page/state')
  clock.compare(asked, Date.parse(about.now))
  return about
}

function take({ unlockedUntil: until }: { unlockedUntil: string | null }): void {
  unlockedUntil = until === null ? undefined : Date.parse(until)
}

function signOut(): void {
  sessionStorage.removeItem(kept)
  client.use(undefined)
  channel?.use(undefined)
  stage = 'out'
}
