/** What `nix --log-format internal-json` tells: lines for a person, and how far builds and downloads are. */

import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'

/** Numbers of Nix's logging.hh, which its JSON has. */
const activities = { fileTransfer: 101, copyPath: 100, builds: 104, build: 105 } as const
const results = { buildLogLine: 101, setPhase: 104, progress: 105 } as const
/** Messages that plain Nix shows too: errors, warnings, notices and information. */
const shownLevel = 3
/** Activities whose parents are remembered: far more than Nix has at a time. */
const knownActivities = 10_000
/** Derivations at work that are named. */
const namedBuilds = 3

const fieldsSchema = z.array(z.union([z.string(), z.number()])).default([])
const eventSchema = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('start'),
    id: z.number(),
    type: z.number(),
    level: z.number().default(0),
    text: z.string().default(''),
    fields: fieldsSchema,
    parent: z.number().default(0),
  }),
  z.object({ action: z.literal('stop'), id: z.number() }),
  z.object({ action: z.literal('result'), id: z.number(), type: z.number(), fields: fieldsSchema }),
  z.object({ action: z.literal('msg'), level: z.number(), msg: z.string() }),
])
type Event = z.infer<typeof eventSchema>

/** One derivation at work, or one path on its way. */
export interface Activity {
  readonly id: number
  /** The one that it is a part of; 0 for none. */
  readonly parent: number
  /** Milliseconds since 1970. */
  readonly started: number
  readonly name: string
  readonly kind: 'build' | 'transfer'
  /** Of a build, as its builder calls it: `unpackPhase`. */
  phase: string | undefined
  /** Bytes of a transfer; 0 of a build. */
  done: number
  of: number
}

export interface NixProgress {
  readonly done: number
  readonly of: number
  readonly unit: 'bytes' | 'items'
  /** The first derivations at work. */
  readonly names: readonly string[]
}

export class NixActivity {
  readonly #running = new Map<number, Activity>()
  /** Also of activities that are not shown. */
  readonly #parents = new Map<number, number>()
  /** The activity that counts all builds. */
  #builds = -1
  #built = { done: 0, of: 0 }
  /** Bytes of transfers that have ended. */
  #transferred = 0

  /** Takes a line of Nix's standard error; gives the lines that a person should see of it. */
  take(line: string): string[] {
    const event = eventOf(line)
    if (event === undefined) return line.startsWith('@nix ') ? [] : [line]
    switch (event.action) {
      case 'msg':
        return event.level > shownLevel ? [] : plain(event.msg).split('\n')
      case 'start':
        return this.#start(event)
      case 'stop':
        this.#stop(event.id)
        return []
      case 'result':
        return this.#result(event)
    }
  }

  /** What is at work now. */
  get running(): readonly Activity[] {
    return [...this.#running.values()]
  }

  /** Derivations that are built, and all that are to be. */
  get built(): { readonly done: number; readonly of: number } {
    return this.#built
  }

  /** Bytes while something is on its way, else derivations; nothing before either is known. */
  get progress(): NixProgress | undefined {
    const running = this.running
    const names = running.flatMap(({ name, kind, phase }) =>
      kind === 'build' ? [phase === undefined ? name : `${name} (${phase})`] : [],
    )
    const transfers = running.filter(({ kind, of }) => kind === 'transfer' && of > 0)
    const shown = { names: names.slice(0, namedBuilds) }
    if (transfers.length > 0) {
      const sum = (key: 'done' | 'of') => transfers.reduce((all, each) => all + each[key], this.#transferred)
      return { done: sum('done'), of: sum('of'), unit: 'bytes', ...shown }
    }
    return this.#built.of === 0 ? undefined : { ...this.#built, unit: 'items', ...shown }
  }

  #start({ id, type, level, text, fields, parent }: Extract<Event, { action: 'start' }>): string[] {
    if (this.#parents.size < knownActivities) this.#parents.set(id, parent)
    if (type === activities.builds) this.#builds = id
    const kind =
      type === activities.build
        ? 'build'
        : type === activities.fileTransfer || type === activities.copyPath
          ? 'transfer'
          : undefined
    if (kind !== undefined)
      this.#running.set(id, {
        ...{ id, parent: this.#shown(parent), started: Date.now(), name: nameOf(String(fields[0] ?? '')) },
        ...{ kind, phase: undefined, done: 0, of: 0 },
      })
    return kind !== undefined && level <= shownLevel && text !== '' ? [plain(text)] : []
  }

  #stop(id: number): void {
    const ended = this.#running.get(id)
    if (ended?.kind === 'transfer') this.#transferred += ended.done
    this.#running.delete(id)
    this.#parents.delete(id)
  }

  /** The nearest one above that is shown. */
  #shown(id: number): number {
    let at = id
    for (let steps = 0; at !== 0 && !this.#running.has(at) && steps < 32; steps++) at = this.#parents.get(at) ?? 0
    return this.#running.has(at) ? at : 0
  }

  #result({ id, type, fields }: Extract<Event, { action: 'result' }>): string[] {
    const activity = this.#running.get(id)
    const [first, second] = fields
    if (type === results.progress && typeof first === 'number' && typeof second === 'number') {
      if (id === this.#builds) this.#built = { done: first, of: second }
      else if (activity !== undefined) Object.assign(activity, { done: first, of: second })
    }
    if (type === results.setPhase && activity !== undefined) activity.phase = plain(String(first ?? ''))
    if (type !== results.buildLogLine || activity === undefined) return []
    return [`${activity.name}> ${plain(String(first ?? ''))}`]
  }
}

function eventOf(line: string): Event | undefined {
  if (!line.startsWith('@nix ')) return undefined
  try {
    return eventSchema.safeParse(JSON.parse(line.slice('@nix '.length))).data
  } catch {
    return undefined
  }
}

/** `/nix/store/…-hello-1.0.drv` is hello-1.0; of an address it is the last part. */
function nameOf(place: string): string {
  const base = place.slice(place.lastIndexOf('/') + 1)
  return plain(base.replace(/^[0-9a-z]{32}-/, '').replace(/\.drv$/, ''))
}

/** Without Nix's colours. */
function plain(text: string): string {
  return stripVTControlCharacters(text)
}
