/** Errors of the local API, and the HTTP status of every error. */

import { HintedError } from '../../protocol/errors.ts'
import type { ErrorJson } from '../format/error-json.ts'

export type ApiErrorCode =
  | 'not-understood'
  | 'unknown-route'
  | 'wrong-method'
  | 'wrong-type'
  | 'body-too-large'
  | 'wrong-host'
  | 'cross-site'
  | 'no-token'
  | 'too-many'
  | 'read-only'
  | 'locked'
  | 'wrong-code'
  | 'unknown-session'
  | 'unknown-terminal'
  | 'unknown-cursor'
  | 'socket-path'

export class ApiError extends HintedError<ApiErrorCode> {}

const statuses: Readonly<Record<string, number>> = {
  'not-understood': 400,
  'unknown-cursor': 400,
  'no-token': 401,
  'cross-site': 403,
  'read-only': 403,
  locked: 403,
  viewer: 403,
  'wrong-code': 403,
  'wrong-passphrase': 403,
  'unknown-route': 404,
  'unknown-device': 404,
  'unknown-version': 404,
  'unknown-proposal': 404,
  'unknown-member': 404,
  'unknown-task': 404,
  'unknown-session': 404,
  'unknown-terminal': 404,
  'no-such-entry': 404,
  'no-secret': 404,
  'no-such-input': 404,
  'not-found': 404,
  'no-release': 404,
  'wrong-method': 405,
  'in-use': 409,
  'maybe-in-use': 409,
  'entry-exists': 409,
  'changed-meanwhile': 409,
  'merge-conflict': 409,
  'task-ended': 409,
  'body-too-large': 413,
  'wrong-type': 415,
  'wrong-host': 421,
  'too-many': 429,
  failed: 500,
  'not-in-reach': 504,
}

/** 422 where nothing more exact is known: the request was understood and could not be done. */
export function statusOf({ code }: Pick<ErrorJson, 'code'>): number {
  return statuses[code] ?? 422
}

/** The two are of different versions of the program. */
export function notUnderstood(): ApiError {
  return new ApiError('not-understood', 'the controller that already runs does not understand the question', {
    hint: 'It runs another version of Thymesh: end it, or use that version.',
  })
}
