/**
 * Access: who may log in on which devices, and what they may do there. It is an extension of a release, so it is signed by
 * the targets role, spreads with the release, and every peer keeps it.
 */

import { z } from 'zod'
import { formatVersion, nameSchema, timeSchema } from '../encoding/fields.ts'
import { ThymeshError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Place, Releases } from './effective-release.ts'
import type { Release, ReleaseExtensions } from './release.ts'
import { sshKeySchema } from './ssh-key.ts'

/** The release's extension that holds the grants. */
export const accessExtension = 'access'

export class AccessError extends ThymeshError<'malformed'> {}

/** Names of users as useradd(8) takes them. */
export const userSchema = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, { error: 'expected the name of a user, at most 32 letters, digits, _ and -' })

/** Names of devices; `*` stands for any part of a name. */
const patternSchema = z.string().regex(/^(?=.{1,63}$)[a-z0-9*][a-z0-9*-]*$/, {
  error: 'expected a name of devices such as kiosk-1 or kiosk-*',
})

const hosts = '(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\\[[0-9a-fA-F:.]{2,45}\\])'
const tcp = new RegExp(`^tcp:${hosts}:(?:\\*|[1-9][0-9]{0,4})$`)
const unix = /^unix:\/[A-Za-z0-9._@:+/-]{1,106}$/

/** Where a forwarded connection goes: `tcp:HOST:PORT` (or `*` for any port), `unix:/PATH`. */
export const forwardTargetSchema = z.string().refine(isForwardTarget, {
  error: 'expected tcp:HOST:PORT or unix:/PATH',
})

function isForwardTarget(text: string): boolean {
  if (unix.test(text)) return !text.slice(5).split('/').includes('..')
  const port = text.slice(text.lastIndexOf(':') + 1)
  return tcp.test(text) && (port === '*' || Number(port) <= 65_535)
}

/** Rights without a target. */
const plainRights = ['shell', 'exec', 'files', 'screen', 'screen:control'] as const

const rightSchema = z
  .string()
  .refine(
    text =>
      plainRights.some(right => right === text) ||
      (text.startsWith('forward:') && isForwardTarget(text.slice('forward:'.length))),
    { error: `expected one of ${plainRights.join(', ')}, forward:tcp:HOST:PORT and forward:unix:/PATH` },
  )

const grantSchema = z
  .strictObject({
    /** Names the grant in commands. */
    id: nameSchema,
    operator: nameSchema,
    keys: z.array(sshKeySchema).min(1).max(limits.accessKeys),
    /** Where: devices of these names, and those with one of these tags, and those of one of these sites. */
    devices: z.array(patternSchema).min(1).max(limits.accessPlaces).optional(),
    tags: z.array(nameSchema).min(1).max(limits.accessPlaces).optional(),
    sites: z.array(nameSchema).min(1).max(limits.accessPlaces).optional(),
    /** As whom. */
    users: z.array(userSchema).min(1).max(limits.accessUsers),
    may: z.array(rightSchema).min(1).max(limits.accessRights),
    /** Whether sessions are recorded; one that can't be is refused. */
    record: z.boolean().optional(),
    until: timeSchema.optional(),
  })
  .refine(({ devices, tags, sites }) => devices !== undefined || tags !== undefined || sites !== undefined, {
    error: 'expected devices, tags or sites',
  })
export type AccessGrant = z.infer<typeof grantSchema>

const accessSchema = z
  .strictObject({ v: formatVersion, grants: z.array(grantSchema).max(limits.accessGrants) })
  .refine(({ grants }) => new Set(grants.map(({ id }) => id)).size === grants.length, {
    error: 'expected each ID once',
  })

/** Grants that are meant for signing. Throws a ZodError. */
export function checkedGrants(grants: readonly AccessGrant[]): AccessGrant[] {
  return accessSchema.parse({ v: 1, grants }).grants
}

/** A release's grants; none without the extension. Throws an AccessError if it is malformed. */
export function accessOf({ extensions }: Pick<Release, 'extensions'>): AccessGrant[] {
  const value = extensions?.values[accessExtension]
  if (value === undefined) return []
  const parsed = accessSchema.safeParse(value)
  if (parsed.success) return parsed.data.grants
  throw new AccessError('malformed', 'expected grants in the access of the release', {
    hint: 'A newer version of Thymesh may have signed it: use that one.',
  })
}

/** Extensions with these grants. The extension isn't critical: a device that ignores it grants nothing. */
export function withAccess(
  extensions: ReleaseExtensions | undefined,
  grants: readonly AccessGrant[],
): ReleaseExtensions {
  const { [accessExtension]: _, ...values } = extensions?.values ?? {}
  const critical = (extensions?.critical ?? []).filter(name => name !== accessExtension)
  // Through JSON: fields that are undefined are not in it.
  return { values: { ...values, [accessExtension]: JSON.parse(JSON.stringify({ v: 1, grants })) }, critical }
}

/**
 * The grants that count on a device now: the fleet's, and those of its site's operators. The release that holds a grant says
 * which names and tags there are; the site is that of the device's certificate. A release that can't be read grants nothing.
 * Without a time, a grant with an end doesn't count.
 */
export function grantsFor({ release, sites }: Releases, place: Place, now: Date | undefined): AccessGrant[] {
  const own = place.site === undefined ? undefined : sites.get(place.site)
  return [release, ...(own === undefined ? [] : [own])].flatMap(from =>
    readable(from).filter(grant => isLive(grant, now) && isAbout(grant, from, place)),
  )
}

function readable(release: Release): AccessGrant[] {
  try {
    return accessOf(release)
  } catch {
    return []
  }
}

export function isLive({ until }: Pick<AccessGrant, 'until'>, now: Date | undefined): boolean {
  return until === undefined || (now !== undefined && now < new Date(until))
}

function isAbout({ devices, tags, sites }: AccessGrant, release: Release, { name, site }: Place): boolean {
  if (site !== undefined && sites?.includes(site)) return true
  const bound = Object.hasOwn(release.devices, name) ? release.devices[name] : undefined
  if (bound === undefined) return false
  return devices?.some(pattern => fits(pattern, name)) === true || tags?.some(tag => bound.tags?.includes(tag)) === true
}

function fits(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return name === pattern
  const last = rest.pop() ?? ''
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
  let middle = name.slice(first.length, name.length - last.length)
  for (const part of rest) {
    const at = middle.indexOf(part)
    if (at < 0) return false
    middle = middle.slice(at + part.length)
  }
  return true
}

/** What one key may do as one user, by all grants together. */
export interface KeyRights {
  readonly operators: readonly string[]
  readonly may: readonly string[]
  readonly record: boolean
  /** When the first of the grants ends. */
  readonly until: string | undefined
}

/** The rights of each key as this user. A session is recorded if one of its grants says so. */
export function rightsOf(grants: readonly AccessGrant[], user: string): Map<string, KeyRights> {
  const found = new Map<string, KeyRights>()
  for (const grant of grants.filter(({ users }) => users.includes(user))) {
    for (const key of grant.keys) {
      const known = found.get(key)
      const ends = [known?.until, grant.until].filter(end => end !== undefined)
      found.set(key, {
        operators: [...new Set([...(known?.operators ?? []), grant.operator])],
        may: [...new Set([...(known?.may ?? []), ...grant.may])].sort(),
        record: grant.record === true || known?.record === true,
        until: ends.sort()[0],
      })
    }
  }
  return found
}

/** Whether rights allow forwarding to a target. */
export function mayForward(may: readonly string[], target: string): boolean {
  const anyPort = `forward:${target.slice(0, target.lastIndexOf(':'))}:*`
  return may.includes(`forward:${target}`) || (target.startsWith('tcp:') && may.includes(anyPort))
}
