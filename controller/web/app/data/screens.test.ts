/** Which screens the page offers, by the grants. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { GrantRow } from '../../../api/schemas/access.ts'
import { grantedScreens } from './screens.ts'

const grant = (more: Partial<GrantRow>): GrantRow => ({
  ...{ id: 'a-1', signedBy: null, operator: 'ada', keys: [], devices: [], tags: [], sites: [] },
  ...{ users: ['root'], may: ['screen'], record: false, until: null, expired: false, counts: [] },
  ...more,
})

describe('screens of grants', () => {
  it('are those of devices on which a grant for screens counts, once each, in order', () => {
    const grants = [
      grant({ counts: ['kiosk-10', 'kiosk-2'], users: ['kiosk'] }),
      grant({ counts: ['kiosk-2'], may: ['shell', 'screen:control'] }),
      grant({ counts: ['kiosk-2'] }),
      grant({ counts: ['hub'], may: ['shell', 'forward:tcp:127.0.0.1:80'] }),
      grant({ counts: ['gone'], expired: true }),
    ]
    assert.deepEqual(grantedScreens(grants), [
      { device: 'kiosk-2', user: 'root', control: true },
      { device: 'kiosk-10', user: 'kiosk', control: false },
    ])
  })

  it('are as whom this operator may see them, where somebody else may too', () => {
    const grants = [
      grant({ counts: ['kiosk-1', 'kiosk-2'], operator: 'bob', users: ['bob'], may: ['screen:control'] }),
      grant({ counts: ['kiosk-1'], users: ['kiosk'] }),
    ]
    assert.deepEqual(grantedScreens(grants, 'ada'), [
      { device: 'kiosk-1', user: 'kiosk', control: false },
      { device: 'kiosk-2', user: 'bob', control: true },
    ])
  })
})
