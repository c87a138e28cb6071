/** Whether a project is of the fleet of this controller: orders may come from programs that name any folder. */

import { HintedError } from '../../protocol/errors.ts'
import type { Project } from '../project/project.ts'
import type { Session } from '../session/session.ts'

/** Throws where it is not. */
export function requireOwnFleet(project: Project, { peer }: Session): void {
  if (project.fleet === peer.fleet) return
  throw new HintedError('other-fleet', `expected a project of this controller's fleet, got one of ${project.fleet}`, {
    hint: 'Ask the controller of that fleet.',
  })
}
