/** What a command says of the controller that runs already, where that does not answer. */

import { HintedError } from '../../../protocol/errors.ts'

/** Controllers of the version before wait for a line that no command sends any more, and hang up. */
export function olderController(cause: unknown): HintedError {
  return new HintedError('not-understood', 'the controller of this fleet that already runs does not answer', {
    hint: 'It may be of an older version of Thymesh: end it, and start it again with this one.',
    cause,
  })
}

export function unanswered(): HintedError {
  return new HintedError('closed', 'the controller ended before it answered: it may have begun the order', {
    hint: 'Look at `thymesh tasks` and `thymesh log`, then give the order again if it was not done.',
  })
}
