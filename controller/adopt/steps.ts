/**
 * The six steps of an adoption, in order. Each is in the machine's journal, looks at first whether it was done before, and is
 * taken back when a later one fails. A lost connection takes nothing back: the next run goes on.
 */

import { peerIdSchema } from '../../protocol/signing/peer-id.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import { AdoptError } from './adopt-error.ts'
import type { Facts } from './facts.ts'
import { helloMs } from './limits.ts'
import type { Membership } from './membership.ts'
import type { Plan } from './plan.ts'
import type { Target } from './target.ts'

export interface Adoption {
  readonly target: Target
  readonly facts: Facts
  readonly plan: Plan
  readonly session: Session
  /** What the fleet and the project learn of the device. */
  readonly membership: Membership
  readonly talk: Talk
}

const stepNames = ['begin', 'copy', 'install', 'join', 'start', 'confirm'] as const
export type StepName = (typeof stepNames)[number]

/** What each step tells while it goes on. */
const words: Readonly<Record<StepName, string>> = {
  begin: 'begin a journal on the machine',
  copy: 'copy the package',
  install: 'install',
  join: 'join the fleet',
  start: 'start the daemon',
  confirm: 'confirm the membership',
}

export async function takeSteps(adoption: Adoption): Promise<{ peer: string; written: string[] }> {
  const { plan, talk, session, membership } = adoption
  const signal = talk.signal
  let peer = adoption.facts.joined ?? ''
  let written: string[] = []
  const steps: Readonly<Record<StepName, () => Promise<unknown>>> = {
    begin: async () => {
      if (plan.setsClock) await adoption.target.do('clock', [String(Math.round(Date.now() / 1000))], { signal })
      await adoption.target.do('begin', [plan.name, session.peer.fleet], { signal })
    },
    copy: () => copy(adoption),
    install: async () => {
      if (plan.package === null && !plan.installsNix) return
      const version = plan.package?.version ?? adoption.facts.thymesh
      await adoption.target.do('install', [version, plan.installsNix ? 'apt' : 'keep'], { signal })
    },
    join: async () => {
      if (peer !== '') return
      const token = await membership.token(adoption.facts)
      const args = [plan.name, plan.site ?? '']
      const answer = await adoption.target.do('join', args, { signal, input: { text: `${token}\n` } })
      peer = joinedPeer(answer.peer)
    },
    start: async () => {
      await adoption.target.do('start', [], { signal })
      await meet(adoption, peer)
    },
    confirm: async () => {
      await membership.countersign(peer)
      written = await membership.declare(plan)
    },
  }
  try {
    for (const name of stepNames) {
      signal.throwIfAborted()
      talk.step(words[name])
      await steps[name]()
      talk.note(`Done: ${words[name]}.`)
    }
    signal.throwIfAborted()
  } catch (thrown) {
    // It goes on with the next run.
    if (thrown instanceof AdoptError && thrown.code === 'connection-lost') throw thrown
    await undo(adoption, peer)
    throw thrown
  }
  // All is done by now; a journal that stays does no harm.
  await adoption.target.do('finish', []).catch(() => {})
  return { peer, written }
}

/** Takes back what was done on the machine, and in the fleet. Without a word of its own it would hide why. */
export async function undo(
  { target, membership, talk }: Omit<Adoption, 'plan' | 'session'>,
  peer: string,
): Promise<void> {
  talk.step('take back what was done')
  try {
    await target.do('undo', [])
    talk.note('What was done to the machine is undone.')
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    talk.note(`What was done to the machine was not undone: ${why}\nRun the command again with --undo.`)
  }
  await membership.forget(peer).catch((thrown: unknown) => {
    talk.note(`Its membership was not revoked: ${thrown instanceof Error ? thrown.message : thrown}`)
  })
}

async function copy({ plan, target, talk }: Adoption): Promise<void> {
  const { package: file } = plan
  if (file === null) return
  const { signal } = talk
  if ((await target.do('holds', [file.sha256], { signal })).held === 'yes') return
  const onSent = (bytes: number) => talk.progress({ step: words.copy, done: bytes, of: file.bytes, unit: 'bytes' })
  await target.do('copy', [String(file.bytes), file.sha256], { signal, input: { file: file.path, onSent } })
}

function joinedPeer(text: string | undefined): string {
  const peer = peerIdSchema.safeParse(text).data
  if (peer !== undefined) return peer
  throw new AdoptError('step-failed', 'expected the ID of a peer from the machine, got none', {
    hint: 'Run the command again.',
  })
}

/** Waits until the device is in the mesh with this controller. */
async function meet({ session, target, talk }: Adoption, peer: string): Promise<void> {
  const { neighbours } = session.peer
  const end = Date.now() + helloMs
  while (Date.now() < end) {
    talk.signal.throwIfAborted()
    if (await neighbours.reach(peer, 1000)) return
  }
  const { active, line } = await target.do('daemon', [], { signal: talk.signal })
  throw new AdoptError('not-met', `the device and this controller did not meet; its daemon is ${active}: ${line}`, {
    hint: 'Open TCP 4460 to the device, or name a peer that both can reach as bootstrap in thymesh.json.',
  })
}
