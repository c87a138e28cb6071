/** Where the project's entries are in the address: the devices of the project are no view of their own state. */

import type { Folder } from '../data/project.ts'

export const placeOf: Readonly<Record<Folder, string>> = { configs: 'configs', tags: 'tags', devices: 'declared' }
