/** `thymesh vm create`: makes a virtual machine of this computer a device of the fleet. */

import { resolve } from 'node:path'
import type { z } from 'zod'
import { HintedError } from '../../../protocol/errors.ts'
import { whoRuns } from '../../api/client.ts'
import { vmMadeSchema } from '../../api/schemas/vms.ts'
import { socketFile } from '../../api/socket.ts'
import { buildImage } from '../../build/nix.ts'
import { tellBuild } from '../../build/progress.ts'
import { type OpenProject, readProject } from '../../inputs/read-project.ts'
import { checkedName } from '../../project/entries.ts'
import { list } from '../../project/problem.ts'
import type { Project } from '../../project/project.ts'
import { withTree } from '../../project/tree.ts'
import type { Talk } from '../../tasks/talk.ts'
import { fillContainer } from '../../vms/container.ts'
import { imageLink } from '../../vms/image-link.ts'
import { whileLocked } from '../../vms/lock.ts'
import { makeVm, requireNew } from '../../vms/make.ts'
import { requireContainers } from '../../vms/needs.ts'
import { addressesForMachines, addressesForQemu } from '../../vms/network.ts'
import { fillQemu } from '../../vms/qemu.ts'
import { type VmRecord, VmRecords } from '../../vms/records.ts'
import { startVm } from '../../vms/start.ts'
import { VmError } from '../../vms/vm-error.ts'
import { type Access, withAccess } from '../shell/access.ts'
import { resultOf, workHere } from '../shell/attach.ts'
import { isForeign, requireOwnersController } from '../shell/foreign-home.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'
import { becomesMember, membershipFor, requireNoMember } from '../shell/vm-membership.ts'

export interface VmCreateOptions extends ProjectOptions {
  name: string
  config: string
  site?: string
  memory: number
  disk: number
  root?: string
  qemu: boolean
  /** False for `--no-start`. */
  start: boolean
  timeout: number
}

type Made = z.infer<typeof vmMadeSchema>

export async function create(options: VmCreateOptions): Promise<undefined> {
  const { config } = options
  const name = checkedName('devices', options.name)
  const base = options.root === undefined ? null : resolve(options.root)
  if (!options.qemu) await requireContainers(base)
  const open = await readProject(options.project)
  const site = declaredSite(open, options)
  return await withAccess(options, async access => {
    const { home } = access
    if (options.qemu) await requireOwnHome(home.directory)
    else await requireOwnersController(home.directory, () => whoRuns(socketFile(home.stateDirectory)))
    const addresses = await addressesOf(access, open, options.qemu)
    const records = new VmRecords(open.project.fleet)
    await requireNew(records, name)
    await requireNoMember(access, name)
    const wish = { name, config, site, base, memoryMegabytes: options.memory, diskMegabytes: options.disk }
    const work = async (talk: Talk): Promise<Made> => {
      const membership = membershipFor(access, open, { name, config, site }, addresses)
      const program = options.qemu ? await buildMachine(open.project, config, name, talk) : ''
      const { record, written } = await makeVm<VmRecord>(records, name, membership, talk, draft =>
        options.qemu
          ? fillQemu(draft, wish, program, membership, talk)
          : fillContainer(records, draft, wish, membership, talk),
      )
      const { address, peer } = record.kind === 'container' ? record : { address: null, peer: null }
      const made = { name, peer, config, site, address, written }
      if (!options.start) return { ...made, started: false, member: false }
      await whileLocked(records.lockFile(name), name, () => startVm(records, record, talk, { isNew: true }))
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
  const at = address === null ? '' : `, at ${address}`
  const state = !started
    ? `It is off: thymesh vm start ${name}`
    : member
      ? `It is on${at}, and a member of the fleet.`
      : `It is on${at}. No controller has signed for it yet: keep \`thymesh serve\` running, or see \`thymesh members\`.`
  const next = written.length === 0 ? 'thymesh deploy' : `git commit -m 'Add ${name}', then thymesh deploy`
  return [`${name} is a virtual machine of this computer.`, state, `Next: ${next}`].join('\n')
}

/** The site that it will have. Throws where its file, or its config, is none for it. */
function declaredSite({ files }: OpenProject, { name, config, site, qemu }: VmCreateOptions): string | null {
  const found = files.configs.get(config)
  if (found === undefined) {
    throw new HintedError('unknown-config', `expected one of the project's configs, got ${config}`, {
      hint: `It has ${list([...files.configs.keys()].sort())}.`,
    })
  }
  const isNixos = found.content?.target === 'nixos'
  if (isNixos !== qemu) {
    const why = isNixos
      ? 'nixos: it brings its own kernel, which a container has not'
      : 'portable: it has no image for QEMU'
    throw new VmError('vm-target', `${config} has the target ${why}`, {
      hint: isNixos
        ? 'Give --qemu: its image is built, and booted in QEMU.'
        : 'Leave out --qemu: it boots in a container.',
    })
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

/** Where it can dial this computer's controller. */
async function addressesOf(access: Access, { project }: OpenProject, qemu: boolean): Promise<string[]> {
  const { listen } = await access.home.settings()
  if (!qemu) return addressesForMachines(listen)
  const found = addressesForQemu(listen)
  if (found.length > 0 || project.bootstrap.length > 0) return found
  throw new VmError(
    'vm-network',
    'expected a controller at a fixed port, or peers in "bootstrap": QEMU has no multicast',
    {
      hint: `Give it one, such as "listen": ["/ip4/0.0.0.0/tcp/4470"], in ${access.home.directory}/controller.json.`,
    },
  )
}

/** Its image and its keys are this user's. */
async function requireOwnHome(directory: string): Promise<void> {
  if (!(await isForeign(directory))) return
  throw new VmError('vm-needs', `${directory} is another user's, and machines of QEMU are of the user who makes them`, {
    hint: 'Run this as that user: QEMU needs no root.',
  })
}

/** Builds the image `vm`; gives the program that starts it. */
async function buildMachine(project: Project, config: string, name: string, talk: Talk): Promise<string> {
  talk.step('Building its image')
  const { onStart, onActivity } = tellBuild(talk)
  onStart(config)
  const about = { config, format: 'vm', link: imageLink(project.fleet, name) }
  const told = { signal: talk.signal, onActivity: onActivity.bind(undefined, config) }
  return `${await withTree(project, tree => buildImage(tree, about, told))}/bin/run-${config}-vm`
}
