/** Tests of taking over a Thymis project: what becomes of its modules, and what is told. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { configSchema, tagSchema } from '../schemas.ts'
import { convertThymis } from './convert.ts'
import { readThymisState } from './state.ts'

const fixture = resolve(import.meta.dirname, '../../../examples/migrate/thymis')

describe('a Thymis project', () => {
  it('becomes configs and tags', async () => {
    const { tags, configs } = convertThymis(await readThymisState(fixture))
    assert.deepEqual(
      [...tags],
      [
        [
          'shop',
          {
            displayName: 'Shop',
            priority: 90,
            modules: {
              device: { timeZone: 'Europe/Berlin' },
              networking: {
                timeServers: ['ntp.example.org'],
                wifi: [{ ssid: 'Shop', password: 'wifi' }],
                nameservers: ['10.0.0.1'],
              },
            },
          },
        ],
      ],
    )
    const schedule = { kind: 'calendar', calendar: ['daily'], persistent: true }
    assert.deepEqual(
      [...configs],
      [
        [
          'hall-1',
          {
            displayName: 'Hall',
            target: 'nixos',
            type: 'raspberry-pi-4',
            tags: ['shop'],
            modules: {
              device: { hostName: 'hall' },
              kiosk: { url: 'https://example.org/', rotation: 'left', volume: 40, vnc: true, vncPassword: 'vnc' },
              containers: {
                containers: [
                  {
                    name: 'web',
                    image: 'nginx:1',
                    ports: [{ host: 8080, container: 80 }],
                    environment: [{ key: 'A', value: 'b' }],
                  },
                ],
              },
              access: { rootPassword: 'root-password-0b1c2d3e', rootKeys: ['ssh-ed25519 AAAAC3 anna'] },
              bash: { programs: [{ name: 'hall-1', script: 'echo hi', schedule }] },
              'custom-nix': { nixos: '{ services.fwupd.enable = true; }' },
            },
          },
        ],
      ],
    )
    for (const config of configs.values()) configSchema.parse(config)
    for (const tag of tags.values()) tagSchema.parse(tag)
  })

  it('lists the secrets to add, and the parts without a counterpart', async () => {
    const { secrets, left } = convertThymis(await readThymisState(fixture))
    assert.deepEqual(secrets, ['root-password-0b1c2d3e', 'vnc', 'wifi'])
    for (const said of [
      /^hall-1: was config "Hall_1"/,
      /^hall-1: Kiosk\.cursor: nothing/,
      /^hall-1: the module acme\.printer\.Printer/,
      /^shop: the secret wifi stood .* in plain/,
      /^the repository thymis/,
      /^devices:/,
    ]) {
      assert.ok(
        left.some(sentence => said.test(sentence)),
        `${said} among ${left.join('\n')}`,
      )
    }
    assert.doesNotMatch(JSON.stringify(left), /not a secret/)
  })

  it('gives two identifiers that would be one name two', () => {
    const tag = (identifier: string) => ({ displayName: '', identifier, priority: 1, modules: [] })
    const state = { version: '0.0.9', repositories: {}, tags: [tag('a_b'), tag('a b'), tag('---')], configs: [] }
    assert.deepEqual([...convertThymis(state).tags.keys()], ['a-b', 'a-b-2', 'tag'])
  })

  it('is refused where it is none', async t => {
    const directory = await mkdtemp(join(tmpdir(), 'thymesh-thymis-'))
    t.after(() => rm(directory, { recursive: true }))
    await assert.rejects(readThymisState(directory), /expected Thymis's state\.json .* there is none/)
    for (const wrong of ['{', '[]', '{ "version": 1 }', '{ "version": "1", "configs": [{}] }']) {
      await writeFile(join(directory, 'state.json'), wrong)
      await assert.rejects(readThymisState(directory), { code: 'no-thymis-state' }, wrong)
    }
  })
})
