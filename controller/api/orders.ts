/** All that the API does and that commands which write order, by name. */

import { z } from 'zod'
import { passphrases } from '../keys/passphrase.ts'
import { type Order, order } from '../orders/order.ts'
import type { Session } from '../session/session.ts'
import type { Work } from '../tasks/tasks.ts'
import {
  approvedSchema,
  approveOptions,
  deployOptions,
  heardSchema,
  promoteOptions,
  rejectedSchema,
  rejectOptions,
  renewedSchema,
  renewOptions,
  revokedSchema,
  revokedTokenSchema,
  revokeOptions,
  revokeTokenOptions,
  rollbackOptions,
  spreadOptions,
  submittedSchema,
} from './schemas/orders.ts'

export const orders = {
  deploy: order({
    path: '/v1/deploy',
    summary: "Build the project's last commit, and sign and publish it as a release",
    options: deployOptions,
    result: submittedSchema,
    load: async () => (await import('../orders/deploy.ts')).deploy,
  }),
  rollback: order({
    path: '/v1/rollback',
    summary: 'Make a new release with the configs of an older one',
    options: rollbackOptions,
    result: submittedSchema,
    load: async () => (await import('../orders/rollback.ts')).rollback,
  }),
  promote: order({
    path: '/v1/promote',
    summary: 'Open waves of a release that wait or are held by failures',
    options: promoteOptions,
    result: submittedSchema,
    load: async () => (await import('../orders/promote.ts')).promote,
  }),
  approve: order({
    path: '/v1/approve',
    summary: 'Sign a proposal, and publish it when its thresholds are met',
    options: approveOptions,
    result: approvedSchema,
    load: async () => (await import('../orders/proposals.ts')).approve,
  }),
  reject: order({
    path: '/v1/reject',
    summary: 'Reject a proposal, or withdraw your own',
    options: rejectOptions,
    result: rejectedSchema,
    load: async () => (await import('../orders/proposals.ts')).reject,
  }),
  spread: order({
    path: '/v1/spread',
    summary: 'Wait until one other peer has all that was signed here',
    options: spreadOptions,
    result: heardSchema,
    signs: () => false,
    load: async () => (await import('../orders/proposals.ts')).spreadSigned,
  }),
  revoke: order({
    path: '/v1/revoke',
    summary: 'Revoke members',
    options: revokeOptions,
    result: revokedSchema,
    load: async () => (await import('../orders/members.ts')).revokeMembers,
  }),
  'revoke-token': order({
    path: '/v1/revoke-token',
    summary: 'Revoke a join token',
    options: revokeTokenOptions,
    result: revokedTokenSchema,
    load: async () => (await import('../orders/members.ts')).revokeToken,
  }),
  renew: order({
    path: '/v1/renew',
    summary: 'Sign new certificates for all members that ask for one, or for the named ones',
    options: renewOptions,
    result: renewedSchema,
    signs: ({ members }) => members.length > 0,
    load: async () => (await import('../orders/members.ts')).renew,
  }),
}
export type OrderName = keyof typeof orders
export type OrderOptions<Name extends OrderName> = z.input<(typeof orders)[Name]['options']>
export type OrderResult<Name extends OrderName> = z.output<(typeof orders)[Name]['result']>

export function isOrder(name: string): name is OrderName {
  return Object.hasOwn(orders, name)
}

/** Opens the sealed keys for one order; missing where they are open, or where the controller knows it. */
export const passphraseSchema = z.string().min(1).max(1024).optional()

/**
 * The work of an order with these options, which are its own already. Another process gives `from` a passphrase, or none: this
 * one then asks nobody.
 */
export function workOf(
  name: OrderName,
  options: object,
  session: Session,
  from?: { passphrase?: string | undefined },
): Work {
  const { load } = orders[name] as unknown as Order
  const work: Work = async talk => await (await load())(session, options as never, talk)
  return from === undefined ? work : async talk => await passphrases.with(from.passphrase, () => work(talk))
}
