/** Names that settings refer to: secrets and artifacts of the project, read once a form is open. */

import { client } from '../data/client.ts'
import type { Artifacts, Secrets } from '../data/project.ts'

let secrets = $state.raw<readonly string[]>([])
let artifacts = $state.raw<Artifacts['artifacts']>([])

export const projectNames = {
  get secrets(): readonly string[] {
    return secrets
  },
  artifacts(kind: string | undefined): readonly string[] {
    return artifacts.filter(each => kind === undefined || each.kind === kind).map(({ path }) => path)
  },
  /** What can't be read offers nothing to choose from; the form shows what the file says all the same. */
  async load(): Promise<void> {
    const [listed, files] = await Promise.allSettled([
      client.get<Secrets>('/v1/secrets'),
      client.get<Artifacts>('/v1/project/artifacts'),
    ])
    if (listed.status === 'fulfilled') secrets = listed.value.secrets.map(({ name }) => name)
    if (files.status === 'fulfilled') ({ artifacts } = files.value)
  },
}
