/** Errors that stop an edit of the project. */

import { HintedError, messageOf } from '../../protocol/errors.ts'

export class EditError extends HintedError<
  | 'changed-meanwhile'
  | 'not-seen'
  | 'merge-conflict'
  | 'unreadable'
  | 'not-writable'
  | 'busy'
  | 'invalid-name'
  | 'no-such-entry'
  | 'entry-exists'
  | 'in-use'
  | 'maybe-in-use'
> {}

/** The error of a command that would replace a file of the project by a new one. */
export function entryExists(what: string, file: string): EditError {
  return new EditError('entry-exists', `the project already has the ${what} (${file})`, {
    hint: 'Choose another name, or change or remove that one.',
  })
}

/**
 * Throws an EditError where settings name what is to be removed, or may do so in modules that can't be read; `force` takes
 * the second for no use.
 */
export function requireUnused(
  what: string,
  users: readonly { places: readonly string[]; maybe: readonly string[] }[],
  unread: string | undefined,
  force: boolean,
): void {
  const places = users.flatMap(each => each.places)
  if (places.length > 0) {
    throw new EditError('in-use', `${what} is in use: ${places.join(', ')}`, { hint: 'Change these settings first.' })
  }
  const maybe = users.flatMap(each => each.maybe)
  if (maybe.length === 0 || force) return
  throw new EditError(
    'maybe-in-use',
    `${what} may be in use: ${maybe.join(', ')}; their modules can't be read:\n${unread ?? ''}`.trim(),
    { hint: 'Mend what is named and try again, or remove it all the same with --force.' },
  )
}

export function notWritable(file: string, thrown: unknown): EditError {
  return new EditError('not-writable', `can't write ${file}: ${messageOf(thrown)}`, {
    hint: 'Check the permissions of the file and its folder, and the space on the disk.',
    cause: thrown,
  })
}
