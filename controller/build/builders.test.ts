/** Which devices of a project build for a system. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { declaredFleetSchema } from '../project/declared-fleet.ts'
import { buildersFor } from './builders.ts'

const config = (system: string, builder?: object) => ({
  ...{ system, target: 'portable' },
  modules: builder === undefined ? {} : { builder },
})
const fleet = declaredFleetSchema.parse({
  configs: {
    pi: config('aarch64-linux', { systems: [], maxJobs: 1, speed: 1 }),
    forge: config('x86_64-linux', { systems: ['x86_64-linux', 'aarch64-linux'], maxJobs: 8, speed: 5 }),
    kiosk: config('aarch64-linux'),
  },
  devices: {
    'pi-2': { config: 'pi' },
    'pi-1': { config: 'pi' },
    forge: { config: 'forge' },
    kiosk: { config: 'kiosk' },
  },
})
const names = (system: string) => buildersFor(fleet, system).map(({ device }) => device)

it('they are those with the module, the fastest first, each for its own system if it names none', () => {
  assert.deepEqual(names('aarch64-linux'), ['forge', 'pi-1', 'pi-2'])
  assert.deepEqual(names('x86_64-linux'), ['forge'])
  assert.deepEqual(names('riscv64-linux'), [])
})
