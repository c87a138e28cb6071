/** Tests of whether a name is free for a device: also for an order that is given again after it was cut off. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { requireFree } from './life-parts.ts'

/** Members by name with their roles, and the devices of the fleet's release and of a site's. */
function fleet(members: Record<string, string>, named: string[], ofSite: string[] = []) {
  const devices = (names: string[]) => ({ devices: Object.fromEntries(names.map(name => [name, { config: 'hello' }])) })
  const certificates = Object.entries(members).map(([name, role]) => ({ name, role, peer: name }))
  const sites = new Map(ofSite.length > 0 ? [['east', devices(ofSite)]] : [])
  const peer = {
    directory: { certificates: () => certificates },
    state: { accepted: { release: devices(named), sites } },
  }
  return { peer } as unknown as Parameters<typeof requireFree>[0]
}
const [from, to] = ['cellar', 'larder']
const order = { from, to, isSigned: false }

describe('a name for a device', () => {
  it('is free where nobody has it', () => {
    requireFree(fleet({ cellar: 'device' }, ['cellar', 'attic']), order)
  })

  it('is taken by a member of any role, and by a device that has not joined yet', () => {
    const taken = { code: 'name-taken' }
    assert.throws(() => requireFree(fleet({ cellar: 'device', larder: 'device' }, []), order), taken)
    assert.throws(() => requireFree(fleet({ cellar: 'device', larder: 'relay' }, []), order), taken)
    assert.throws(() => requireFree(fleet({ cellar: 'device' }, ['cellar', 'larder']), order), taken)
    // Neither has joined: the release must not lose one of them.
    assert.throws(() => requireFree(fleet({}, ['cellar', 'larder']), order), taken)
  })

  it("is the order's own where it was cut off after the release, or after the certificate", () => {
    requireFree(fleet({ cellar: 'device' }, ['larder', 'attic']), order)
    requireFree(fleet({ cellar: 'device' }, ['larder'], ['cellar']), order)
    requireFree(fleet({ larder: 'device' }, ['larder']), { ...order, isSigned: true })
    // The release is proposed only.
    requireFree(fleet({ larder: 'device' }, ['cellar']), { ...order, isSigned: true })
  })
})
