/** Rehearses an update: the trial runs apart from this computer, and leaves nothing, however it or this process ends. */

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { temporaryFolder } from '../../node/files/temporary.ts'
import type { Target } from '../../protocol/encoding/fields.ts'
import { jsonOf } from '../../protocol/encoding/json.ts'
import type { RehearsalPlan, RehearsalStep, Rehearsed } from '../api/schemas/rehearsal.ts'
import { ownCgroups } from './cgroups.ts'
import { insideLineSchema, type insideSchema } from './inside-plan.ts'
import { lacksForMachines } from './needs.ts'
import { nixFor } from './own-store.ts'
import { RehearsalError } from './rehearsal-error.ts'
import { requireBootable } from './root.ts'

/** statfs(2)'s type of an overlay, whose directories can't be the writable side of another one. */
const overlayfs = 0x794c7630
/** QEMU and its firmware come with the image. */
const programs: Readonly<Record<Target, readonly string[]>> = {
  portable: ['systemd-nspawn', 'unshare', 'nsenter', 'setpriv', 'ip', 'mount', 'git'],
  nixos: ['unshare', 'setpriv', 'ip', 'mount', 'git', 'sfdisk', 'mcopy'],
}
const maxErrorLines = 20

export interface RehearseOptions {
  /** The directory to boot from; this computer's own programs, if missing. */
  readonly root: string | undefined
  /** What is ample for its machine, if missing. */
  readonly seconds: number | undefined
  onStep(step: RehearsalStep): void
  /** A line for who watches. */
  onNote(text: string): void
  readonly signal: AbortSignal
}

/** Throws a RehearsalError that says what this computer lacks for it. */
export async function requireRehearsals(target: Target, root: string | undefined): Promise<void> {
  const needs = (words: string, hint: string) => new RehearsalError('try-needs', words, { hint })
  const lacking = await lacksForMachines('a rehearsal', programs[target])
  if (lacking !== undefined) throw needs(lacking.words, lacking.hint)
  if (target === 'nixos') {
    if (root === undefined) return
    throw new RehearsalError('try-root', `expected no root, got ${root}: a NixOS config boots from its own image`, {
      hint: 'Leave out --root.',
    })
  }
  requireBootable(root ?? '/', (await nixFor(root)) !== undefined)
}

/** Throws a RehearsalError only where the trial itself broke: a config that fails is a verdict. */
export async function rehearse(plan: RehearsalPlan, options: RehearseOptions): Promise<Rehearsed> {
  await requireRehearsals(plan.program === null ? 'portable' : 'nixos', options.root)
  const folder = await temporaryFolder()
  try {
    return await rehearseIn(folder.path, plan, options)
  } finally {
    await folder.remove()
  }
}

async function rehearseIn(
  directory: string,
  plan: RehearsalPlan,
  { root, seconds, onStep, onNote, signal }: RehearseOptions,
): Promise<Rehearsed> {
  if (plan.program === null && (await statfs(directory)).type === overlayfs) {
    throw new RehearsalError('try-needs', `expected ${directory} on a disk or a tmpfs, it is on an overlay`, {
      hint: 'Set TMPDIR to a directory that is none, such as one on /dev/shm or a volume.',
    })
  }
  // A controller may rehearse several at a time.
  const group = `thymesh-try-${process.pid}-${randomBytes(4).toString('hex')}`
  const [main = ''] = process.argv.slice(1)
  const told: z.input<typeof insideSchema> = {
    plan,
    directory,
    base: root ?? null,
    main,
    group,
    seconds: seconds ?? null,
  }
  const [file, temporary] = [join(directory, 'plan.json'), join(directory, 'tmp')]
  await mkdir(temporary)
  await writeFile(file, JSON.stringify(told))
  const groups = ownCgroups().map(dir => join(dir, group))
  const launch = fileURLToPath(new URL('./launch.sh', import.meta.url))
  const inside = fileURLToPath(new URL('./inside.ts', import.meta.url))
  const began = performance.now()
  const child = spawn('sh', [launch, groups.join(' '), directory, process.execPath, inside, file], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...{ PATH: process.env.PATH, NIX_CONFIG: process.env.NIX_CONFIG, NIX_REMOTE: process.env.NIX_REMOTE },
      ...{ HOME: directory, TMPDIR: temporary, THYMESH_HOME: join(directory, 'home') },
      ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    },
  })
  child.stdin.on('error', () => {})
  const leave = () => child.stdin.destroy()
  signal.addEventListener('abort', leave)
  // Left while this computer was looked at.
  if (signal.aborted) leave()
  const steps: RehearsalStep[] = []
  let refused: RehearsalError | undefined
  createInterface({ input: child.stdout }).on('line', line => {
    const said = insideLineSchema.safeParse(jsonOf(line)).data
    if (said === undefined) return
    if ('note' in said) return onNote(said.note)
    if ('error' in said) {
      const { code, message, hint } = said.error
      const own = code === 'try-needs' || code === 'try-root' ? code : 'try-broken'
      refused = new RehearsalError(own, message, { hint })
      return
    }
    steps.push(said)
    onStep(said)
  })
  const errors: string[] = []
  createInterface({ input: child.stderr }).on('line', line => {
    errors.push(line)
    if (errors.length > maxErrorLines) errors.shift()
  })
  const [code] = await once(child, 'close')
  signal.removeEventListener('abort', leave)
  leave()
  if (signal.aborted) {
    throw new RehearsalError('try-left', 'the rehearsal was left before its end: there is no verdict', {
      hint: 'Nothing of it is left. Run it again.',
    })
  }
  if (refused !== undefined) throw refused
  const failed = steps.find(({ ok }) => !ok)
  // Nothing of the config has run by then.
  const isOurs = failed?.step === 'boot' || failed?.step === 'join'
  if (code !== 0 || steps.length === 0 || isOurs) {
    const why = isOurs ? [`${failed.step}: ${failed.said}`] : errors
    throw new RehearsalError(
      'try-broken',
      `the rehearsal broke after ${steps.length} steps (${code}):\n${why.join('\n')}`,
      {
        hint: 'This says nothing of the config. Look whether this computer has memory and disk left, then try again.',
      },
    )
  }
  return {
    ...{ config: plan.config, device: plan.device, topLevel: plan.next.topLevel },
    from: plan.from && { release: plan.from.release, topLevel: plan.from.topLevel },
    verdict: failed === undefined ? 'pass' : 'fail',
    seconds: Math.round((performance.now() - began) / 100) / 10,
    steps,
  }
}
