/** Tests of the files of a new project, as far as they can be read without Nix. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ruleProblems } from '../../protocol/alerts/rule-problems.ts'
import { alertsFileSchema } from '../../protocol/alerts/rules.ts'
import { flakeFile, sampleFiles } from './template.ts'

describe('a new project', () => {
  it('is for machines like the one that it is made on', () => {
    const system = (architecture: NodeJS.Architecture) =>
      JSON.parse(sampleFiles(architecture)['configs/hello.json'] ?? '').system
    assert.deepEqual(
      [system('x64'), system('arm64'), system('riscv64')],
      ['x86_64-linux', 'aarch64-linux', 'riscv64-linux'],
    )
  })

  it('has a device whose config is there, with modules that are there', () => {
    const files = sampleFiles()
    const { config } = JSON.parse(files['devices/first.json'] ?? '')
    const { modules } = JSON.parse(files[`configs/${config}.json`] ?? '')
    for (const name of Object.keys(modules)) assert.ok(files[`modules/${name}.nix`], name)
  })

  it('has alert rules in which nothing is wrong', () => {
    const alerts = alertsFileSchema.parse(JSON.parse(sampleFiles()['alerts.json'] ?? ''))
    assert.deepEqual(ruleProblems(alerts, { first: { config: 'hello' } }), [])
    const kinds = alerts.rules.flatMap(({ when }) => Object.keys(when))
    for (const kind of ['absent', 'metric', 'certificate', 'held', 'contradiction', 'clone', 'wear', 'state'])
      assert.ok(kinds.includes(kind), kind)
  })

  it('leaves expressions to Nix', () => {
    assert.match(sampleFiles()['modules/hello.nix'] ?? '', /\$\{settings\.message\}/)
    assert.match(flakeFile('orchard'), /The fleet orchard/)
  })
})
