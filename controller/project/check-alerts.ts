/** Rules and channels of `alerts.json`, checked against the devices that the project declares. */

import { ruleProblems } from '../../protocol/alerts/rule-problems.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ProjectFiles } from './files.ts'
import type { Problem } from './problem.ts'

export function checkAlerts({ alerts, configs, devices }: ProjectFiles): Problem[] {
  if (alerts?.content === undefined) return []
  const declared: Release['devices'] = {}
  for (const [name, { content }] of devices) {
    if (content === undefined) continue
    const { config, site, tags = [] } = content
    const all = [...tags, ...(configs.get(config)?.content?.tags ?? [])]
    declared[name] = { config, ...(site && { site }), tags: all }
  }
  return ruleProblems(alerts.content, declared).map(({ path, message }) => alerts.json.problem(path, message))
}
