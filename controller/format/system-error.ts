/** Errors of the system (a file that isn't there, a full disk, no permission) in words, with a hint. */

import { HintedError, ThymeshError } from '../../protocol/errors.ts'

type SystemErrorCode = 'not-there' | 'not-permitted' | 'disk-full' | 'wrong-kind'

export class SystemError extends HintedError<SystemErrorCode> {}

const known: Readonly<Record<string, { code: SystemErrorCode; what: string; hint: string }>> = {
  ENOENT: { code: 'not-there', what: 'there is no such file or folder', hint: 'Check the path for a typing error.' },
  ENOTDIR: { code: 'wrong-kind', what: 'a part of the path is not a folder', hint: 'Choose another path.' },
  EISDIR: { code: 'wrong-kind', what: 'expected a file, got a folder', hint: 'Name a file in it.' },
  EACCES: {
    code: 'not-permitted',
    what: 'this user has no permission for that',
    hint: 'Run it as another user, or change the permissions.',
  },
  EPERM: {
    code: 'not-permitted',
    what: 'this user has no permission for that',
    hint: 'Run it as another user, or change the permissions.',
  },
  EROFS: {
    code: 'not-permitted',
    what: 'the file system is read-only',
    hint: 'Choose another place, or mount it writable.',
  },
  ENOSPC: { code: 'disk-full', what: 'no space is left on the disk', hint: 'Free some space, then try again.' },
  EDQUOT: {
    code: 'disk-full',
    what: "this user's share of the disk is full",
    hint: 'Free some space, then try again.',
  },
}

/** The error in words, when it is one of the system's that people meet; else what was thrown. */
export function explained(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ThymeshError || !('code' in thrown)) return thrown
  const about = known[String(thrown.code)]
  if (about === undefined) return thrown
  const path = 'path' in thrown && typeof thrown.path === 'string' ? `${thrown.path}: ` : ''
  return new SystemError(about.code, `${path}${about.what}`, { hint: about.hint, cause: thrown })
}
