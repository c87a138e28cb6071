/** The answer of `thymesh why NAME`, by what this controller knows. */

import type { DeviceFacts } from '../../node/standing/facts.ts'
import type { Why } from '../api/schemas/why.ts'
import type { Session } from '../session/session.ts'
import { verdictOf } from './verdict.ts'

export async function queryWhy({ peer }: Session, { name }: { name: string }): Promise<Why> {
  return whyOf(await peer.factsOf(name))
}

/** The same by facts that another peer has told. */
export function whyOf(facts: DeviceFacts): Why {
  const { code, fine, text, next } = verdictOf(facts)
  return { device: facts.device, verdict: code, fine, text, next, facts }
}
