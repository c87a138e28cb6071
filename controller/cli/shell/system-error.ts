/** What the system refused (a file that isn't there, a full disk, no permission), in words and with what to do. */

import { HintedError, ThymeshError } from '../../../protocol/errors.ts'

type SystemErrorCode = 'not-there' | 'not-permitted' | 'disk-full' | 'wrong-kind'

export class SystemError extends HintedError<SystemErrorCode> {}

const known: Readonly<Record<string, { code: SystemErrorCode; what: string; hint: string }>> = {
  ENOENT: { code: 'not-there', what: 'there is no such file or folder', hint: 'Look for a typing error in the path.' },
  ENOTDIR: { code: 'wrong-kind', what: 'a part of the path is no folder', hint: 'Choose another path.' },
  EISDIR: { code: 'wrong-kind', what: 'expected a file, got a folder', hint: 'Name a file in it.' },
  EACCES: {
    code: 'not-permitted',
    what: 'this user may not do that',
    hint: 'Run it as a user who may, or change the permissions.',
  },
  EPERM: {
    code: 'not-permitted',
    what: 'this user may not do that',
    hint: 'Run it as a user who may, or change the permissions.',
  },
  EROFS: {
    code: 'not-permitted',
    what: 'it lies on a file system that can only be read',
    hint: 'Choose another place, or mount it for writing.',
  },
  ENOSPC: { code: 'disk-full', what: 'no space is left on the disk', hint: 'Free some, then try again.' },
  EDQUOT: { code: 'disk-full', what: "this user's share of the disk is full", hint: 'Free some, then try again.' },
}

/** The error in words, when it is one of the system's that people meet; else what was thrown. */
export function explained(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ThymeshError || !('code' in thrown)) return thrown
  const about = known[String(thrown.code)]
  if (about === undefined) return thrown
  const path = 'path' in thrown && typeof thrown.path === 'string' ? `${thrown.path}: ` : ''
  return new SystemError(about.code, `${path}${about.what}`, { hint: about.hint, cause: thrown })
}
