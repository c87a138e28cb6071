/** Tests of whether a peer listens where it should. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listeningProblem, missingPorts } from './listening.ts'

describe('listening', () => {
  const both = ['/ip4/0.0.0.0/tcp/4460', '/ip6/::/tcp/4460']

  it('is well at each port that was asked for, with or without IPv6, and at any port for 0', () => {
    assert.deepEqual(missingPorts(both, ['/ip4/192.168.1.2/tcp/4460/p2p/x', '/ip4/127.0.0.1/tcp/4460/p2p/x']), [])
    assert.deepEqual(missingPorts(['/ip4/0.0.0.0/tcp/0'], ['/ip4/127.0.0.1/tcp/31007']), [])
    assert.equal(listeningProblem(both, ['/ip6/fd00::2/tcp/4460']), undefined)
  })

  it('names a port that another program has, once', () => {
    assert.deepEqual(missingPorts(both, []), ['4460'])
    assert.match(listeningProblem([...both, '/ip4/0.0.0.0/tcp/4470'], ['/ip4/1.2.3.4/tcp/4470']) ?? '', /port 4460: /)
  })

  it('names an address that this machine does not have, which is no program’s fault', () => {
    const wanted = ['/ip4/10.77.0.1/tcp/4460']
    assert.match(listeningProblem(wanted, [], ['192.168.1.2']) ?? '', /10\.77\.0\.1: this machine has no such address/)
    assert.match(listeningProblem(wanted, [], ['10.77.0.1']) ?? '', /port 4460: another program/)
    assert.match(listeningProblem(['/ip4/127.0.0.5/tcp/4460'], [], []) ?? '', /another program/)
  })
})
