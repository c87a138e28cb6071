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
> {}

/** The error of a command that would replace a file of the project by a new one. */
export function entryExists(what: string, file: string): EditError {
  return new EditError('entry-exists', `the project already has the ${what} (${file})`, {
    hint: 'Choose another name, or change or remove that one.',
  })
}

export function notWritable(file: string, thrown: unknown): EditError {
  return new EditError('not-writable', `can't write ${file}: ${messageOf(thrown)}`, {
    hint: 'Check the permissions of the file and its folder, and the space on the disk.',
    cause: thrown,
  })
}
