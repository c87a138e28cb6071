/** `thymesh vm create`: makes a virtual machine of this computer a device of the fleet. */

import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { HintedError } from '../../../protocol/errors.ts'
import { whoRuns } from '../../api/client.ts'
import type { OneEdit } from '../../api/schemas/edits.ts'
import { tokenOptions } from '../../api/schemas/token.ts'
import { vmMadeSchema } from '../../api/schemas/vms.ts'
import { socketFile } from '../../api/socket.ts'
import { type OpenProject, readProject } from '../../inputs/read-project.ts'
import { list } from '../../project/problem.ts'
import type { Talk } from '../../tasks/talk.ts'
import { lookAgainMs, tokenDays } from '../../vms/limits.ts'
import { whileLocked } from '../../vms/lock.ts'
import { makeContainer, type VmMembership } from '../../vms/make.ts'
import { requireContainers } from '../../vms/needs.ts'
import { addressesForMachines } from '../../vms/network.ts'
import { VmRecords } from '../../vms/records.ts'
import { startContainer } from '../../vms/start.ts'
import { VmError } from '../../vms/vm-error.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { resultOf, workHere } from '../shell/attach.ts'
import { requireOwnersController } from '../shell/foreign-home.ts'
import { memberSeconds } from '../shell/limits.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface VmCreateOptions extends ProjectOptions {
  name: string
  config: string
  site?: string
  memory: number
  disk: number
  root?: string
  /** False for `--no-start`. */
  start: boolean
  timeout: number
}

type Made = z.infer<typeof vmMadeSchema>

export async function create(options: VmCreateOptions): Promise<undefined> {
  const { name, config } = options
  const base = options.root === undefined ? null : resolve(options.root)
  await requireContainers(base)
  const open = await readProject(options.project)
  const site = declaredSite(open, options)
  return await withAccess(options, async access => {
    const { home } = access
    await requireOwnersController(home.directory, () => whoRuns(socketFile(home.stateDirectory)))
    await requireNoMember(access, name)
    const records = new VmRecords(open.project.fleet)
    const wish = { name, config, site, base, memoryMegabytes: options.memory, diskMegabytes: options.disk }
    const work = async (talk: Talk): Promise<Made> => {
      const membership = membershipOf(access, open, options, site)
      const { record, written } = await makeContainer(records, wish, membership, talk)
      const { address, peer } = record
      const made = { name, peer, config, site, address, written }
      if (!options.start) return { ...made, started: false, member: false }
      await whileLocked(records.lockFile(name), name, () => startContainer(records, record, talk, { isNew: true }))
      talk.step('Waiting until the fleet knows it')
      return { ...made, started: true, member: await becomesMember(access, name, options.timeout, talk.signal) }
    }
    const ended = await workHere('create-vm', { name, config }, work, options)
    if (ended === 'left') return undefined
    const made = vmMadeSchema.parse(resultOf(ended))
    print(options, made, textOf(made))
    return undefined
  })
}

function textOf({ name, address, started, member, written }: Made): string {
  const state = !started
    ? `It is off: thymesh vm start ${name}`
    : member
      ? `It is on, at ${address}, and a member of the fleet.`
      : `It is on, at ${address}. No controller has signed for it yet: keep \`thymesh serve\` running, or see \`thymesh members\`.`
  const next = written.length === 0 ? 'thymesh deploy' : `git commit -m 'Add ${name}', then thymesh deploy`
  return [`${name} is a virtual machine of this computer.`, state, `Next: ${next}`].join('\n')
}

/** The site that it will have. Throws where its file, or its config, is none for it. */
function declaredSite({ files }: OpenProject, { name, config, site }: VmCreateOptions): string | null {
  const found = files.configs.get(config)
  if (found === undefined) {
    throw new HintedError('unknown-config', `expected one of the project's configs, got ${config}`, {
      hint: `It has ${list([...files.configs.keys()].sort())}.`,
    })
  }
  if (found.content?.target === 'nixos') {
    throw new VmError(
      'vm-target',
      `${config} has the target nixos: it brings its own kernel, which a container has not`,
      {
        hint: 'Boot its image in QEMU: nix build .#thymesh.images.CONFIG.vm (docs/virtual-machines.md).',
      },
    )
  }
  const declared = files.devices.get(name)?.content
  const other = declared !== undefined && (declared.config !== config || (site !== undefined && declared.site !== site))
  if (other) {
    throw new VmError('vm-taken', `devices/${name}.json declares another device: config ${declared.config}`, {
      hint: 'Give another name, or the config and site of that file.',
    })
  }
  return site ?? declared?.site ?? null
}

async function requireNoMember(access: Access, name: string): Promise<void> {
  const { members } = await access.ask('members', {}, memberSeconds)
  if (!members.some(member => member.name === name && member.state !== 'revoked')) return
  throw new VmError('vm-taken', `${name} is a member of the fleet already`, {
    hint: `Give another name; or free that one: thymesh retire ${name}`,
  })
}

function membershipOf(
  access: Access,
  { project, files }: OpenProject,
  { name, config }: VmCreateOptions,
  site: string | null,
): VmMembership {
  let made: string | undefined
  let declared = false
  const about = { in: 'devices' as const, name }
  return {
    token: async () => {
      const own = addressesForMachines((await access.home.settings()).listen)
      const wish = { names: name, uses: 1, days: tokenDays, bootstrap: own, ...(site !== null && { site }) }
      const { token, id } = await access.write('token', tokenOptions.parse(wish))
      made = id
      return { token, bootstrap: [...new Set([...own, ...project.bootstrap])] }
    },
    declare: async () => {
      if (files.devices.has(name)) return []
      declared = true
      return await editNow(access, [{ do: 'add', ...about, content: { config, ...(site !== null && { site }) } }])
    },
    forget: async () => {
      if (declared) await editNow(access, [{ do: 'remove', ...about }])
      if (made !== undefined)
        await access.order('revoke-token', { id: made, reason: 'its virtual machine was not made' })
    },
  }
}

/** Only if nobody changes the same files in the meantime. */
async function editNow(access: Access, edits: OneEdit[]): Promise<string[]> {
  const { files } = await access.write('preview', { edits })
  const seen = Object.fromEntries(files.map(({ file, before }) => [file, before]))
  return (await access.write('edit', { edits, seen })).written
}

/** Whether a controller has signed for it by then. */
async function becomesMember(access: Access, name: string, seconds: number, signal: AbortSignal): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(lookAgainMs, undefined, { signal })) {
    const { members } = await access.ask('members', {}, 0)
    if (members.some(member => member.name === name && member.state === 'member')) return true
  }
  return false
}
