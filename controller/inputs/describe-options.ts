/** How the modules of an operator's project are read. */

import { cacheDirectory } from '../fleet/directories.ts'
import { FleetHome } from '../fleet/fleet-home.ts'
import type { DescribeOptions } from '../project/modules.ts'
import type { Project } from '../project/project.ts'
import { fetchPrivateInputs } from './fetch.ts'

/** With the store, the cache and the credentials of this operator. */
export async function describeOptions(project: Project): Promise<DescribeOptions> {
  const { store } = await new FleetHome(project.fleet).storeSettings()
  return { store, cache: cacheDirectory(), fetchInputs: folder => fetchPrivateInputs(project, folder, store) }
}
