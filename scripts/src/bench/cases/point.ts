/** `point`: one device, cold, over loopback, beside `nix copy` from nginx and over SSH. */

import { arena, type Bench } from '../bench.ts'
import { binaryCache } from '../binary-cache.ts'
import { coldFetch } from '../cold-fetch.ts'
import { serve } from '../nginx.ts'
import { nixFetch, type Way } from '../nix-fetch.ts'
import { loopbackOf } from '../place.ts'
import type { Program, Taken } from '../program.ts'
import type { Result } from '../result.ts'
import { serveSsh } from '../ssh-server.ts'

interface PeerTaken extends Taken {
  readonly serverCpuSeconds: number
}

export async function point(bench: Bench): Promise<Result> {
  const { v1 } = await bench.systems()
  const cache = await binaryCache(v1, 'none')
  const ours = await coldFetch(bench)
  bench.say(`  thymesh: ${ours.seconds.toFixed(1)} s`)
  const { nginx, ssh } = await bench.with(async stack => {
    const { network, scratch } = await arena(stack)
    const place = loopbackOf(network)
    const fetch = async (from: string, way: Way, server: Program, env: NodeJS.ProcessEnv = {}): Promise<PeerTaken> => {
      const to = await scratch.folder('store')
      const before = await server.cpuSeconds()
      const taken = await nixFetch(v1, way, { scratch, place, from, to, env })
      await scratch.remove(to)
      return { ...taken, serverCpuSeconds: (await server.cpuSeconds()) - before }
    }
    const web = await serve(stack, scratch, place, cache)
    const nginx: Record<string, PeerTaken> = {}
    for (const way of ['copy', 1, 16] as const) {
      const name = way === 'copy' ? 'nix copy' : `max-jobs ${way}`
      nginx[name] = await fetch(web.url, way, web.program)
      bench.say(`  nginx, ${name}: ${nginx[name].seconds.toFixed(1)} s`)
    }
    const shell = await serveSsh(stack, scratch, place)
    const ssh = await fetch(shell.url, 'copy', shell.program, { NIX_SSHOPTS: shell.options })
    bench.say(`  ssh: ${ssh.seconds.toFixed(1)} s`)
    return { nginx, ssh }
  })
  const fastest = Math.min(...Object.values(nginx).map(({ seconds }) => seconds))
  // `nix-store -r`, which fetches path after path; `nix copy` fetches several at a time.
  const pathByPath = nginx['max-jobs 1']?.seconds ?? Number.POSITIVE_INFINITY
  const perMb = (cpuSeconds: number) => (cpuSeconds * 1000) / (v1.narSize / 1e6)
  return {
    case: 'point',
    bounds: [
      { what: 'a cold device over loopback, ≤ 1.5 × nginx', figure: ours.seconds, unit: 's', goal: 1.5 * fastest },
      { what: 'the same, ≤ 0.6 × nginx, path by path', figure: ours.seconds, unit: 's', goal: 0.6 * pathByPath },
      { what: 'the same, ≤ 0.25 × SSH', figure: ours.seconds, unit: 's', goal: 0.25 * ssh.seconds },
      { what: "the daemon's processor", figure: perMb(ours.daemonCpuSeconds), unit: 'ms/MB', goal: 3.5 },
      {
        what: "the sender's, with what it describes",
        figure: perMb(ours.controllerCpuSeconds),
        unit: 'ms/MB',
        goal: 2.5,
      },
    ],
    peers: { nginx: fastest, ssh: ssh.seconds },
    detail: {
      paths: v1.paths.length,
      narBytes: v1.narSize,
      thymesh: ours,
      nginx,
      ssh,
      counted: 'seconds from the head going out until the device runs it; of Nix from start to end of the program',
    },
  }
}
