/** What a fleet and its project learn of a new virtual machine, by the controller that runs or one of our own. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { OneEdit } from '../../api/schemas/edits.ts'
import { tokenOptions } from '../../api/schemas/token.ts'
import type { OpenProject } from '../../inputs/read-project.ts'
import { lookAgainMs, tokenDays } from '../../vms/limits.ts'
import { VmError } from '../../vms/vm-error.ts'
import type { VmMembership } from '../../vms/wish.ts'
import type { Access } from './access.ts'
import { memberSeconds } from './limits.ts'

export async function requireNoMember(access: Access, name: string): Promise<void> {
  const { members } = await access.ask('members', {}, memberSeconds)
  if (!members.some(member => member.name === name && member.state !== 'revoked')) return
  throw new VmError('vm-taken', `${name} is a member of the fleet already`, {
    hint: `Give another name; or free that one: thymesh retire ${name}`,
  })
}

export function membershipFor(
  access: Access,
  { project, files }: OpenProject,
  { name, config, site }: { readonly name: string; readonly config: string; readonly site: string | null },
  own: readonly string[],
): VmMembership {
  let made: string | undefined
  let declared = false
  const about = { in: 'devices' as const, name }
  return {
    token: async () => {
      const wish = { names: name, uses: 1, days: tokenDays, bootstrap: [...own], ...(site !== null && { site }) }
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
export async function becomesMember(
  access: Access,
  name: string,
  seconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(lookAgainMs, undefined, { signal })) {
    const { members } = await access.ask('members', {}, 0)
    if (members.some(member => member.name === name && member.state === 'member')) return true
  }
  return false
}
