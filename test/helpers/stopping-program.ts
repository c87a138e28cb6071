/** Two peers that meet and stop; the process must end by itself then. Run by test/mesh/host.test.ts. */

import type { TestContext } from 'node:test'
import { connect, mesh, type TestPeer } from './mesh.ts'

const ends: (() => Promise<void>)[] = []
const context = { after: (end: () => Promise<void>) => ends.push(end) } as unknown as TestContext
const { peers } = await mesh(context, 2)
await connect(...(peers as [TestPeer, TestPeer]))
for (const peer of peers) await peer.stopAll()
for (const end of ends) await end()
process.stdout.write('stopped\n')
