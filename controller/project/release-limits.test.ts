/** Tests of the release's limits in a project: each is named in the file where a person exceeded it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../protocol/limits.ts'
import { type DeclaredFleet, declaredFleetSchema } from './declared-fleet.ts'
import type { ProjectFiles } from './files.ts'
import { LocatedJson } from './located-json.ts'
import { problemText } from './problem.ts'
import { releaseProblems } from './release-limits.ts'

const config = { system: 'x86_64-linux', target: 'portable' as const }

function problemsOf(configs: object, devices: object): string[] {
  const fleet: DeclaredFleet = declaredFleetSchema.parse({ configs, devices })
  const web = new LocatedJson(
    'configs/web.json',
    '{"modules": {"updates": {"windows": [{"cron": "61 2 * * *"}], "timeZone": "Europe/Belin"}}}',
  )
  const one = new LocatedJson('devices/one.json', '{"config": "web", "tags": []}')
  const files = {
    configs: new Map([['web', { name: 'web', json: web, content: {} }]]),
    devices: new Map([['one', { name: 'one', json: one, content: {} }]]),
  } as unknown as ProjectFiles
  return releaseProblems(fleet, files).map(problemText)
}

test('release limits: a project within them has no problems', () => {
  const windows = [{ cron: '30 2 * * 1-5', minutes: 60, timeZone: 'Europe/Berlin' }]
  assert.deepEqual(problemsOf({ web: { ...config, policy: { windows } } }, { one: { config: 'web' } }), [])
})

test('release limits: times that never come and zones that are none are named at their setting', () => {
  const windows = [{ cron: '61 2 * * *', minutes: 60, timeZone: 'Europe/Belin' }]
  const [cron = '', zone = ''] = problemsOf({ web: { ...config, policy: { windows } } }, { one: { config: 'web' } })
  assert.match(cron, /^configs\/web\.json:1:\d+: modules\.updates\.windows\.0\.cron: expected a time .*"61 2 \* \* \*"/)
  assert.match(zone, /^configs\/web\.json:1:\d+: modules\.updates\.timeZone: expected a time zone .*Belin/)
  const never = [{ cron: '0 0 30 2 *', minutes: 60 }]
  assert.equal(problemsOf({ web: { ...config, policy: { windows: never } } }, {}).length, 1)
})

test('release limits: too many secrets, too many tags, and names that no device takes', () => {
  const secret = { name: 'a', owner: 'root', group: 'root', mode: '0400', processing: 'none', allowed: [] }
  const secrets = Array.from({ length: limits.secretsPerConfig + 1 }, (_, at) => {
    return { ...secret, path: `/run/thymesh/secrets/s${at}` }
  })
  const tags = Array.from({ length: limits.tags + 1 }, (_, at) => `t${at}`)
  const problems = problemsOf({ web: { ...config, secrets } }, { one: { config: 'web', tags } })
  assert.match(problems.join('\n'), /configs\/web\.json:.* secrets: expected at most 100 secrets/)
  assert.match(problems.join('\n'), /devices\/one\.json:.* tags: /)
  const wrong = [{ ...secret, owner: 'Ada Lovelace', path: '/run/thymesh/secrets/x' }]
  assert.match(problemsOf({ web: { ...config, secrets: wrong } }, {}).join('\n'), /expected the name of an account/)
})
